"""Keeps what the documents take from the code in step with it.

`--write` fills the help texts in docs/cli.md and the drawings in docs/graphs.md, and writes .env.example; `--check`
fails when one is stale, when a relative link in a Markdown file leads nowhere, or when a figure was never filled in.
"""

import re
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLI_PAGE = ROOT / "docs" / "cli.md"
GRAPHS_PAGE = ROOT / "docs" / "graphs.md"
ENV_EXAMPLE = ROOT / ".env.example"
BEGIN, END = "<!-- help: written by `make docs` -->", "<!-- end of help -->"
DRAWING = re.compile(r"(<!-- graph: (\w+), written by `make docs` -->\n).*?(<!-- end of graph -->)", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
PLACEHOLDER = re.compile(r"\bTIME_\w*")
WIDTH = 100


def help_texts() -> str:
    """The `--help` of every command, in the order of the program, as Markdown."""
    import typer

    from millwright.cli.main import app

    return "\n\n".join(_section(name, text) for name, text in _commands(typer.main.get_command(app), "millwright"))


def _section(name: str, text: str) -> str:
    return f"## {name}\n\n```text\n{text.strip()}\n```"


def _commands(command: object, path: str, parent: object = None) -> Iterator[tuple[str, str]]:
    # typed as object: the class of a command is the vendored click's, which typer does not name in public
    context = command.context_class(  # type: ignore[attr-defined]
        command, info_name=path.rpartition(" ")[2], parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
    yield path, command.get_help(context)  # type: ignore[attr-defined]
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, f"{path} {name}", context)


def drawings(page: str) -> str:
    """The page with each graph drawn anew from its code.

    Raises:
        ValueError: a graph has no place in the page, or the page names one that there is not.
    """
    from graphs.studio import BUILDERS

    named = [match.group(2) for match in DRAWING.finditer(page)]
    if sorted(named) != sorted(BUILDERS):
        raise ValueError(f"docs/graphs.md has places for {sorted(named)}, and the graphs are {sorted(BUILDERS)}")
    return DRAWING.sub(lambda found: f"{found.group(1)}{_drawn(found.group(2))}{found.group(3)}", page)


def _drawn(name: str) -> str:
    from graphs.studio import BUILDERS

    graph = BUILDERS[name]().compile().get_graph()
    return f"```mermaid\n{graph.draw_mermaid(with_styles=False)}```\n"


def expected() -> dict[Path, str]:
    """Each generated file and what it should hold."""
    from millwright.settings import Settings, env_example

    page = CLI_PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return {
        CLI_PAGE: f"{before}{BEGIN}\n\n{help_texts()}\n\n{END}{after}",
        GRAPHS_PAGE: drawings(GRAPHS_PAGE.read_text(encoding="utf-8")),
        ENV_EXAMPLE: env_example(Settings),
    }


def stale() -> Iterator[str]:
    """A difference for each file that is not what it should be."""
    for path, wanted in expected().items():
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        name = str(path.relative_to(ROOT))
        yield from unified_diff(
            found.splitlines(), wanted.splitlines(), name, f"{name} (from the code)", lineterm="", n=1
        )


def pages() -> list[Path]:
    """The Markdown files of the repository."""
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def unfilled() -> Iterator[str]:
    """Places that wait for a measured figure."""
    for page in pages():
        for name in PLACEHOLDER.findall(page.read_text(encoding="utf-8")):
            yield f"{page.relative_to(ROOT)}: {name} was never filled in"


def dead_links() -> Iterator[str]:
    """Relative links in the Markdown files of the repository that lead to nothing."""
    for page in pages():
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            if "://" not in link and not (page.parent / link).exists():
                yield f"{page.relative_to(ROOT)}: {link} does not exist"


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        for path, content in expected().items():
            path.write_text(content, encoding="utf-8")
        return 0
    if arguments != ["--check"]:
        sys.stderr.write("usage: docs.py --check | --write\n")
        return 2
    old, wrong = list(stale()), [*dead_links(), *unfilled()]
    sys.stderr.writelines(f"{problem}\n" for problem in [*old, *wrong])
    if old:
        sys.stderr.write("The documents are stale: run 'make docs'.\n")
    return 1 if old or wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
