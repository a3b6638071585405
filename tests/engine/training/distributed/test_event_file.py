"""Events through a file."""

import math
from pathlib import Path

from engine.training.distributed.event_file import EventReader, EventWriter
from engine.training.events import BatchReduced, CheckpointSaved, EpochDone, FitBegan, FitEnded, LoopEvent, StepDone
from engine.training.spec import EpochRecord, FitReport

RECORD = EpochRecord(epoch=1, loss=0.5, score=0.75, learning_rate=1e-3, seconds=2.0)
REPORT = FitReport(
    ended="done", epochs=1, steps=5, best_epoch=1, best_score=0.75, history=(RECORD,), seconds=2.0,
    rows_per_second=10.0, batch_size=8, accumulate=2,
)  # fmt: skip
EVENTS: list[LoopEvent] = [
    FitBegan(epochs=1, steps=5, rows=40, parameters=100),
    StepDone(step=1, epoch=1, loss=0.5, grad_norm=None, learning_rate=1e-3),
    BatchReduced(batch_size=4, accumulate=4),
    CheckpointSaved(step=1, folder=Path("checkpoints/step-00000001")),
    EpochDone(RECORD, best=True),
    FitEnded(REPORT),
]


def test_every_event_is_read_back_once(tmp_path: Path) -> None:
    writer, reader = EventWriter(tmp_path / "events"), EventReader(tmp_path / "events")
    for event in EVENTS:
        writer(event)
        assert reader.new() == [event]
    writer.close()
    assert reader.new() == []
    assert EventReader(tmp_path / "events").new() == EVENTS


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    path = tmp_path / "events"
    writer = EventWriter(path)
    writer(EVENTS[0])
    writer.close()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    reader = EventReader(path)
    assert reader.new() == EVENTS[:1]
    path.write_bytes(whole + whole)
    assert reader.new() == EVENTS[:1]


def test_a_file_that_is_not_there_yet_has_no_events(tmp_path: Path) -> None:
    assert EventReader(tmp_path / "events").new() == []


def test_a_norm_that_is_not_finite_becomes_none(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path / "events")
    writer(StepDone(step=1, epoch=1, loss=0.5, grad_norm=math.inf, learning_rate=1e-3))
    writer.close()
    assert EventReader(tmp_path / "events").new() == [
        StepDone(step=1, epoch=1, loss=0.5, grad_norm=None, learning_rate=1e-3)
    ]
