"""What may go wrong where a model is made smaller or faster; `engine.errors` draws where they belong."""

from engine.errors import MillwrightError


class VariantRefused(MillwrightError):
    """A way to make a model smaller or faster that gives nothing for this one. The sentence says why."""

    code = "variant_refused"


class ExportFailed(VariantRefused):
    code = "export_failed"


class NothingPruned(VariantRefused):
    code = "nothing_pruned"
