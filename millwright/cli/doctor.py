"""`millwright doctor`: is everything here that Millwright needs?"""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.options import Json
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from rich.console import Console

    from agents.probe import Capabilities
    from millwright.cli.checks import Check

Llm = Annotated[
    bool, typer.Option("--llm", help="Ask the language model's endpoint what it can do: a few short requests.")
]


def doctor(llm: Llm = False, json: Json = False) -> Reply:
    """Check that all Millwright needs is here: home, disk, torch, database, worker, language model.

    Exit code 1 if something is broken; each finding says what to do next. With --llm, what the endpoint of the
    language model can do is found out by asking it, for a minute at most.
    """
    if llm:
        return _llm(json)
    from millwright.cli.checks import examine

    found = examine()
    broken = any(check.state == "broken" for check in found)
    document = {"ok": not broken, "checks": [check.model_dump() for check in found]}
    return Reply(document, lambda console: _show(found, console), json, exit_code=int(broken))


def _llm(json: bool) -> Reply:
    from millwright.settings import Settings

    settings = Settings().llm
    if settings.provider == "offline":
        from agents.provider import chat_model

        chat_model(settings)  # says which setting of an endpoint would be ignored
        said = "No endpoint is configured: the offline planner answers. It needs none, and can do all that is asked."
        return Reply({"ok": True, "provider": "offline", "said": said}, lambda console: console.print(said), json)
    from agents.probe import probe

    found = probe(settings)
    document = {"ok": found.usable, "provider": settings.provider, **found.model_dump(mode="json")}
    return Reply(document, lambda console: _show_llm(found, console), json, exit_code=int(not found.usable))


def _show(found: "list[Check]", console: "Console") -> None:
    from millwright.cli.screens import table

    rows = [(check.name, check.state, check.detail, check.next_step) for check in found]
    console.print(table(("what", "state", "found", "next step"), rows))


def _show_llm(found: "Capabilities", console: "Console") -> None:
    from millwright.cli.screens import sentences, table

    rows = [(one.name, one.state, one.detail, one.without) for one in found.findings]
    cost = "" if found.cost is None else f", cost {found.cost:g}"
    used = f"{found.prompt_tokens} + {found.completion_tokens} tokens" if found.prompt_tokens else "tokens not told"
    console.print(sentences(f"{found.model} at {found.endpoint}"))
    console.print(table(("what", "state", "found", "without it"), rows))
    console.print(sentences(f"{found.requests} requests, {used}{cost}, {found.seconds:.1f} s."))
