"""The tools of a workshop as CrewAI tools. Importing this loads CrewAI."""

# CrewAI is heavy to analyse and is skipped, so its classes have no types here
# mypy: disable-error-code="misc"

from crewai.tools import BaseTool
from pydantic import PrivateAttr

from crews.bench import Bench, Post


class BenchTool(BaseTool):
    """One tool in the hands of one agent. Made by `in_hands_of`."""

    _bench: Bench = PrivateAttr()
    _post: Post = PrivateAttr()

    def _run(self, **arguments: object) -> str:
        return self._bench.use(self._post, self.name, arguments)


def in_hands_of(post: Post, bench: Bench, name: str) -> BenchTool:
    """The tool `name` for the agent at `post`.

    Raises:
        NotFound, BadArguments: there is no such tool, or it may not be handed to a crew.
    """
    spec = bench.spec(name)
    tool = BenchTool(name=spec.name, description=spec.description, args_schema=spec.request)
    tool._bench, tool._post = bench, post
    return tool
