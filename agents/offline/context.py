"""What of the conversation bears on the meaning of a message."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """What there is to speak of, and what was spoken of last.

    `monitored` says that a monitor was spoken of, `compared` that rows were compared with others, `about` is the kind
    of the last request, `following` the kind that a bare 'go ahead' stands for.
    """

    trained: bool = False
    has_model: bool = False
    has_dataset: bool = False
    about_data: bool = False
    reads_text: bool = False
    monitored: bool = False
    compared: bool = False
    about: str | None = None
    following: str | None = None
