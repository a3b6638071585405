"""The `millwright` command: its subcommands, and the border where every failure becomes a sentence and an exit code.

Exit codes: 0 done, 1 an error with a code, 2 wrong usage, 130 stopped by Ctrl-C.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, TextIO

import typer

from engine.errors import MillwrightError
from engine.redaction import redacted_text, trace_of
from millwright.cli import (
    audit,
    chains,
    chat,
    crew,
    data,
    demo,
    doctor,
    drift,
    evaluation,
    jobs,
    memory,
    models,
    monitor,
    optimise,
    pipelines,
    script,
    serving,
    sessions,
    tools,
    trace,
    training,
)
from millwright.cli.interrupt import EXIT_CODE, Interrupted
from millwright.cli.plain import plain
from millwright.cli.reply import Reply, stdout_for, write_document
from tools.audit import surface

WIDTH = 100
TEXTS = {"--help", "-h"}

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": WIDTH},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"millwright {version('millwright')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def millwright(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Say what you want from your data; agents plan and run the machine-learning work for real.

    Start with `millwright demo`. Everything is kept in MILLWRIGHT_HOME (default: .millwright in this folder).
    Every command takes --json: one JSON document on stdout, everything else on stderr.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command()(demo.demo)
app.command()(chat.chat)
app.command()(training.run)
app.add_typer(pipelines.app, name="pipeline")
app.command()(crew.crew)
app.command()(chains.research)
app.add_typer(chains.app, name="chain")
app.command()(script.script)
app.add_typer(data.app, name="data")
app.command()(training.train)
app.command()(models.distil)
app.command()(optimise.optimise)
app.command()(optimise.export)
app.command()(optimise.benchmark)
app.command()(models.evaluate)
app.command()(models.explain)
app.command()(models.predict)
app.add_typer(models.app, name="models")
app.add_typer(drift.app, name="drift")
app.add_typer(monitor.app, name="monitor")
app.add_typer(sessions.app, name="sessions")
app.add_typer(jobs.app, name="jobs")
app.add_typer(memory.app, name="memory")
app.add_typer(tools.app, name="tools")
app.add_typer(audit.app, name="audit")
app.command()(trace.trace)
app.command("eval")(evaluation.evaluate_model)
app.command()(doctor.doctor)
app.command()(serving.worker)
app.command()(serving.serve)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # a text that was asked for is a text, whoever reads it
    as_json = "--json" in given and not TEXTS & set(given)
    spoken_to = surface.set("cli")
    try:
        with stdout_for(as_json) as stdout:
            return _answer(given, as_json, stdout)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone: nobody is left to be told
        return 1
    finally:
        surface.reset(spoken_to)


def _answer(given: list[str], as_json: bool, stdout: TextIO) -> int:
    try:
        outcome = typer.main.get_command(app).main(args=given, prog_name="millwright", standalone_mode=False)
    except Interrupted as error:
        return _fail(error.code, error.sentence, error.hint, as_json, stdout, EXIT_CODE)
    except MillwrightError as error:
        return _fail(error.code, error.sentence, error.hint, as_json, stdout)
    except typer.TyperException as error:
        return _wrong_usage(error, as_json, stdout)
    except (typer.Abort, KeyboardInterrupt):
        outcome = EXIT_CODE
    except BrokenPipeError:
        raise
    except Exception as error:  # the border: a defect of ours still answers with a document and a code
        print(trace_of(error), end="", file=sys.stderr)
        return _fail(
            "internal_error", f"{type(error).__name__}: {error}", "This is a defect in Millwright.", as_json, stdout
        )
    if isinstance(outcome, Reply):
        outcome.write(stdout)
        return outcome.exit_code
    if outcome == EXIT_CODE:
        return _fail("interrupted", "Stopped.", "", as_json, stdout, EXIT_CODE)
    return outcome if isinstance(outcome, int) else 0


def _wrong_usage(error: typer.TyperException, as_json: bool, stdout: TextIO) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "millwright"
    return _fail("usage", error.format_message(), f"See '{command} --help'.", as_json, stdout, 2)


def _fail(code: str, message: str, hint: str, as_json: bool, stdout: TextIO, exit_code: int = 1) -> int:
    message, hint = redacted_text(message), redacted_text(hint)
    if as_json:
        write_document({"error": {"code": code, "message": message, "hint": hint}}, stdout)
    else:
        print(*map(plain, filter(None, (f"Error: {message}", hint))), sep="\n", file=sys.stderr)
    return exit_code
