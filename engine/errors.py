"""Every error a user can meet. A stable code for programs, a sentence for people and models, a hint with the next step.

MillwrightError
├── Fixable                      a different argument mends it: goes back to the model as text
│   ├── DataError                the source cannot be read as a table
│   │   ├── SourceNotFound       file_not_found
│   │   ├── EmptySource          empty_file
│   │   ├── HeaderOnly           header_only
│   │   ├── Undecodable          undecodable_text
│   │   ├── NotATable            not_a_table          (NUL bytes, ragged rows, wrong delimiter, broken file)
│   │   ├── UnsupportedFormat    unsupported_format
│   │   ├── DuplicateColumns     duplicate_columns
│   │   ├── UnreadableImage      unreadable_image
│   │   ├── EmptyText            empty_text           (a folder or column of texts that hold nothing)
│   │   └── TooLarge             too_large
│   ├── ColumnNotFound           column_not_found
│   ├── UnknownKind              unknown_kind
│   ├── KindMismatch             kind_mismatch
│   ├── TargetNeeded             target_needed        (the words do not say which column to predict)
│   ├── TargetUnusable           target_unusable
│   ├── TooFewRows               too_few_rows
│   ├── BadSplit                 bad_split
│   ├── BadBudget                bad_budget
│   ├── BadChoice                bad_choice           (unknown metric, model, sample, task, alias ...)
│   ├── BadArguments             bad_arguments        (a tool's request does not validate)
│   ├── ColumnsMissing           columns_missing      (predict without a column the model needs)
│   ├── DeviceMissing            device_missing       (CUDA asked for and absent)
│   ├── SequenceTooLong          sequence_too_long    (more tokens than a network has positions for)
│   ├── BadCalibration           bad_calibration      (rows that a model must not be quantised by)
│   ├── ApprovalNeeded           approval_needed
│   └── NotFound                 <thing>_not_found    (dataset, model, job, run, session, tool)
├── NothingTrained               nothing_trained
├── VariantRefused               variant_refused      (a way to make a model smaller that is of no use for this one)
│   ├── ExportFailed             export_failed        (no exporter gives a model that answers alike)
│   └── NothingPruned            nothing_pruned       (a pruning that would take nothing out)
├── LossNotFinite                loss_not_finite      (a training that diverged)
├── OutOfMemory                  out_of_memory        (not even one row at a time fits the device)
├── ProcessesFailed              processes_failed     (a training in several processes lost one)
├── PackageDamaged               package_damaged
├── IndexDamaged                 index_damaged        (the index of the documents)
├── Unauthorised                 unauthorised         (HTTP without the key)
├── DiskFull                     disk_full
├── HomeNotWritable              home_not_writable
├── HomeBusy                     home_busy            (a second worker on one home)
├── Busy                         <thing>_busy         (a run or session that another process is working on)
├── WorkerLost                   worker_lost
├── JobFailed                    job_failed
├── BadSettings                  bad_settings
├── DatabaseFailed               database_failed      (locked too long, damaged, or out of reach)
├── DeliveryFailed               delivery_failed      (a channel did not take an alert)
├── BudgetSpent                  budget_spent         (a limit would be passed)
├── ProviderFailed               provider_failed      (the LLM endpoint)
│   ├── ContextOverflow          context_length_exceeded (the conversation is longer than the model can read)
│   ├── AnswerCut                provider_failed      (the answer was broken off at the model's limit)
│   ├── AnswerWithheld           provider_failed      (the endpoint's filter kept it back)
│   ├── NotStructured            provider_failed      (no answer of the form that was asked for)
│   └── EndpointFailed           provider_failed      (another model may be asked instead)
│       └── LostCalls            provider_failed      (a stream that lost pieces of its calls)
└── ScriptError                  script_error         (a ScriptedModel's script too short or not used up)
"""

from collections.abc import Sequence
from pathlib import Path

from engine.naming import did_you_mean, shortened


class MillwrightError(Exception):
    """Base of all; `str(error)` is the sentence followed by the hint."""

    code = "error"

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(f"{sentence} {hint}".strip())
        self.sentence = sentence
        self.hint = hint


class Fixable(MillwrightError):
    """The caller can mend it with another argument."""

    code = "fixable"


class DataError(Fixable):
    """The source cannot be read as a table."""

    code = "data_error"


class SourceNotFound(DataError):
    code = "file_not_found"

    def __init__(self, source: str, near: Sequence[str] = ()) -> None:
        super().__init__(f"File {source!r} does not exist.", did_you_mean(source, near) or "Check the path.")


class EmptySource(DataError):
    code = "empty_file"

    def __init__(self, source: str) -> None:
        super().__init__(f"{source!r} is empty.", "Give a file with a header line and at least ten rows.")


class HeaderOnly(DataError):
    code = "header_only"

    def __init__(self, source: str) -> None:
        super().__init__(f"{source!r} has a header and no rows.", "Give a file with at least ten rows.")


class Undecodable(DataError):
    """Text that is not what its encoding says; names the byte and where it stands."""

    code = "undecodable_text"

    def __init__(self, source: str, encoding: str, byte: int, offset: int, line: int, guess: str = "latin-1") -> None:
        super().__init__(
            f"{source!r} is not valid {encoding}: byte 0x{byte:02x} at offset {offset} (line {line}).",
            f"Name its encoding, for example encoding={guess!r}, or save it as UTF-8.",
        )


class NotATable(DataError):
    code = "not_a_table"


class UnsupportedFormat(DataError):
    code = "unsupported_format"


class DuplicateColumns(DataError):
    code = "duplicate_columns"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"Column names appear twice: {shortened(names)}.", "Rename them so that each column has its own name."
        )


class UnreadableImage(DataError):
    code = "unreadable_image"

    def __init__(self, source: str, why: str, hint: str = "") -> None:
        super().__init__(
            f"{source!r} cannot be read as an image: {why}.", hint or "Save it again as PNG or JPEG, or take it out."
        )
        self.why = why


class EmptyText(DataError):
    code = "empty_text"


class TooLarge(DataError):
    code = "too_large"


class ColumnNotFound(Fixable):
    code = "column_not_found"

    def __init__(self, column: str, available: Sequence[str]) -> None:
        near = did_you_mean(column, available)
        super().__init__(
            f"Column {column!r} is not in the dataset.",
            f"It has {len(available)} columns: {shortened(available)}. {near}".strip(),
        )


class UnknownKind(Fixable):
    code = "unknown_kind"

    def __init__(self, column: str, kind: str, kinds: Sequence[str]) -> None:
        super().__init__(
            f"{kind!r} is not a kind of column (asked for {column!r}).",
            f"Kinds are: {', '.join(kinds)}. {did_you_mean(kind, kinds)}".strip(),
        )


class KindMismatch(Fixable):
    code = "kind_mismatch"


class TargetNeeded(Fixable):
    """The goal does not say which column to predict."""

    code = "target_needed"

    def __init__(self, goal: str, columns: Sequence[str]) -> None:
        super().__init__(
            f"The goal {goal!r} does not say which column to predict.",
            f"Name one of its {len(columns)} columns as the target: {shortened(columns, 20)}.",
        )


class TargetUnusable(Fixable):
    code = "target_unusable"


class TooFewRows(Fixable):
    code = "too_few_rows"


class BadSplit(Fixable):
    code = "bad_split"


class BadBudget(Fixable):
    code = "bad_budget"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"A budget of {seconds:g} s cannot train anything.", "Give a budget of 1 second or more.")


class BadChoice(Fixable):
    """A name that is not one of the choices."""

    code = "bad_choice"

    def __init__(self, what: str, value: str, choices: Sequence[str]) -> None:
        super().__init__(
            f"{value!r} is not a known {what}.",
            f"Choose from: {', '.join(choices)}. {did_you_mean(value, choices)}".strip(),
        )


class BadArguments(Fixable):
    code = "bad_arguments"


class ColumnsMissing(Fixable):
    code = "columns_missing"

    def __init__(self, missing: Sequence[str], given: Sequence[str]) -> None:
        near = " ".join(filter(None, (did_you_mean(name, given) for name in missing[:3])))
        super().__init__(
            f"The model needs {len(missing)} column(s) that the data does not have: {shortened(missing)}.",
            f"Add them (empty values are allowed). {near}".strip(),
        )


class DeviceMissing(Fixable):
    code = "device_missing"

    def __init__(self, device: str, why: str) -> None:
        super().__init__(
            f"The device {device!r} cannot be used: {why}.", "Ask for 'cpu', or 'auto' for the best there is."
        )


class SequenceTooLong(Fixable):
    code = "sequence_too_long"

    def __init__(self, length: int, longest: int) -> None:
        super().__init__(
            f"A sequence of {length:,} tokens is longer than the {longest:,} that this model has positions for.",
            "Cut it, or build the model for longer sequences.",
        )


class BadCalibration(Fixable):
    code = "bad_calibration"


class ApprovalNeeded(Fixable):
    code = "approval_needed"


class NotFound(Fixable):
    """A dataset, model, job, run, session or tool that is not here."""

    def __init__(self, thing: str, name: str, known: Sequence[str] = (), hint: str = "") -> None:
        self.code = f"{thing}_not_found"
        listing = f"Known: {shortened(known)}." if known else f"There is no {thing} yet."
        super().__init__(f"There is no {thing} {name!r}.", hint or f"{listing} {did_you_mean(name, known)}".strip())


class NothingTrained(MillwrightError):
    code = "nothing_trained"


class LossNotFinite(MillwrightError):
    """A training diverged. The weights of the last good checkpoint are kept in `checkpoint`, if there is one."""

    code = "loss_not_finite"

    def __init__(self, step: int, learning_rate: float, precision: str, checkpoint: Path | None = None) -> None:
        kept = f" The last good checkpoint is kept: {str(checkpoint)!r}." if checkpoint is not None else ""
        lower = " or precision 'bf16' or 'fp32'" if precision == "fp16" else ""
        super().__init__(
            f"The loss is not a finite number at step {step} (learning rate {learning_rate:.3g}).{kept}",
            f"Try a learning rate of {learning_rate / 10:.3g}, a smaller clip_norm, a longer warm-up{lower}, "
            "and look for infinite or huge values in the data.",
        )
        self.step = step
        self.learning_rate = learning_rate
        self.checkpoint = checkpoint


class OutOfMemory(MillwrightError):
    code = "out_of_memory"


class ProcessesFailed(MillwrightError):
    code = "processes_failed"


class PackageDamaged(MillwrightError):
    code = "package_damaged"

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The model package {str(folder)!r} cannot be used: {why}.", "Train the model again or restore the folder."
        )


class IndexDamaged(MillwrightError):
    code = "index_damaged"

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(f"The document index {str(folder)!r} cannot be used: {why}.", "Index the documents again.")


class Unauthorised(MillwrightError):
    code = "unauthorised"

    def __init__(self) -> None:
        super().__init__("This server needs a key.", "Send it as 'Authorization: Bearer KEY'.")


class DiskFull(MillwrightError):
    code = "disk_full"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The disk is full: {str(path)!r} could not be written; nothing half-written was kept.",
            "Free some space or point MILLWRIGHT_HOME to another disk, then run the same command again.",
        )


class DatabaseFailed(MillwrightError):
    code = "database_failed"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"A database of Millwright cannot be used: {why}.",
            "Try again; if it stays so, see that the database is running and its file is whole.",
        )


class HomeNotWritable(MillwrightError):
    code = "home_not_writable"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{str(path)!r} cannot be written.", "Set MILLWRIGHT_HOME to a folder you may write to.")


class HomeBusy(MillwrightError):
    code = "home_busy"

    def __init__(self, home: Path, process_id: int | None) -> None:
        owner = f" (process {process_id})" if process_id else ""
        super().__init__(
            f"A worker{owner} already serves {str(home)!r}.",
            "Use that one, stop it first, or give this one its own MILLWRIGHT_HOME.",
        )


class Busy(MillwrightError):
    """A run or session has one worker at a time, and it is not the caller."""

    def __init__(self, thing: str, name: str) -> None:
        self.code = f"{thing}_busy"
        super().__init__(
            f"Another process is working on {thing} {name!r}.", "Wait until it is through, then try again."
        )


class WorkerLost(MillwrightError):
    code = "worker_lost"


class JobFailed(MillwrightError):
    """A job ended with an error; `code` is that of the error in the worker."""

    def __init__(self, sentence: str, hint: str = "", code: str = "job_failed") -> None:
        self.code = code
        super().__init__(sentence, hint)


class BadSettings(MillwrightError):
    code = "bad_settings"


class ProviderFailed(MillwrightError):
    code = "provider_failed"


class ScriptError(MillwrightError):
    code = "script_error"
