"""`millwright chat`: the job by conversation."""

from typing import Annotated

import typer

from millwright.cli.options import Json
from millwright.cli.reply import Reply


def chat(
    session: Annotated[str | None, typer.Option(metavar="ID", help="Go on with this conversation.")] = None,
    json: Json = False,
) -> Reply:
    """Talk to Millwright: say what you want, ask about results, approve with y or n.

    Lines may also be piped in, one for each turn. /help lists what can be typed.
    """
    from millwright.cli.conversation import converse

    return converse(session, json)
