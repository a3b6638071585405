"""What of the conversation bears on the meaning of a message."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """What there is to speak of, and what was spoken of last.

    `monitored` says that a monitor was spoken of, `compared` that rows were compared with others, `optimised` that a
    table of variants was shown, `about` is the kind of the last request, `following` the kind that a bare 'go ahead'
    stands for. `planned` says that a plan was shown, `names_column` and `names_dataset` that the message itself holds
    the name of a column, or of a dataset, that is known. `plan_last` says that nothing was trained since the plan.
    """

    trained: bool = False
    has_model: bool = False
    has_dataset: bool = False
    about_data: bool = False
    reads_text: bool = False
    monitored: bool = False
    compared: bool = False
    optimised: bool = False
    planned: bool = False
    plan_last: bool = False
    names_column: bool = False
    names_dataset: bool = False
    about: str | None = None
    following: str | None = None
