"""The one way in which a channel fails."""

from engine.errors import MillwrightError


class DeliveryFailed(MillwrightError):
    """A channel did not take an alert. Holds no secret: neither the channel's address nor its key.

    transient     whether another try may succeed
    retry_after   seconds that the service asks to wait before it; None where it does not say
    """

    code = "delivery_failed"

    def __init__(self, channel: str, why: str, *, transient: bool, retry_after: float | None = None) -> None:
        hint = "It may work later." if transient else f"Check the settings of alerts for {channel}."
        super().__init__(f"The alert could not be delivered to {channel}: {why}.", hint)
        self.why = why
        self.transient = transient
        self.retry_after = retry_after
