"""Whatever happens in whatever order: the desk against a model of its rules that fits on a page."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.alerts.ledger import Ledger
from engine.drift.levels import Level
from engine.drift.policy import Alerting
from tests.engine.alerts.small import Clock, Listener, an_alert, desk_at

REPEAT = 6
POLICY = Alerting(yellow=("slack",), orange=("slack",), red=("slack",), repeat_hours=REPEAT, most_per_hour=1000)
LEVELS = st.sampled_from([Level.YELLOW, Level.ORANGE, Level.RED])


class Desk(RuleBasedStateMachine):
    """One trouble. The model keeps when each level was last told, what is taken on, and the silence."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        home = Path(self.folder.name)
        self.clock, self.slack, self.hours = Clock(), Listener("slack"), 0
        self.desk = desk_at(Ledger(f"sqlite:///{home / 'registry.db'}", home), self.clock, self.slack)
        self.told: dict[Level, int] = {}
        self.taken, self.silent, self.until = -1, -1, 0
        self.expected: list[str] = []

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        assert self.desk.list() == ()

    @rule(level=LEVELS)
    def raise_one(self, level: Level) -> None:
        outcome = self.desk.raise_alert(an_alert(level), POLICY)
        silent = self.hours < self.until and level.rank <= self.silent
        told = any(at > self.hours - REPEAT and known >= level for known, at in self.told.items())
        reasons = {"silenced": silent, "acknowledged": level.rank <= self.taken, "repeated": told}
        reason = next((name for name, holds in reasons.items() if holds), None)
        assert outcome.suppressed == reason
        if reason is None:
            self.told[level] = self.hours
            self.expected.append(f"trigger {level}")

    @rule(hours=st.integers(1, 7))
    def wait(self, hours: int) -> None:
        self.clock.pass_hours(hours)
        self.hours += hours

    @rule()
    def acknowledge_the_newest(self) -> None:
        for record in self.desk.list(open_only=True, limit=1):
            self.desk.acknowledge(record.alert.id, "Ann")
            self.taken = max(self.taken, record.alert.level.rank)

    @rule(hours=st.integers(1, 7), highest=LEVELS)
    def silence(self, hours: int, highest: Level) -> None:
        self.desk.silence("mon_1", hours, highest=highest)
        self.silent, self.until = highest.rank, self.hours + hours

    @rule()
    def unsilence(self) -> None:
        assert self.desk.unsilence("mon_1") == (self.until > 0)
        self.until = 0

    @rule()
    def resolve(self) -> None:
        if self.desk.resolve("drift:mon_1").delivered:
            self.expected.append(f"resolve {self.expected[-1].split()[1]}")
        self.told, self.taken = {}, -1
        assert self.desk.list(open_only=True) == ()

    @invariant()
    def slack_heard_what_it_should(self) -> None:
        assert self.slack.heard == self.expected


TestDesk = Desk.TestCase
TestDesk.settings = settings(
    max_examples=12, stateful_step_count=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
