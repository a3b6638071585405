"""Made-up tables for the tests of the choice and of its report; every figure is an argument."""

from engine.optimise.spec import Drop, Goal, Timing, Variant

GOAL = Goal(metric="f1", max_drop=0.01)


def timing(one: float, many: float | None = None, peak: float = 200.0) -> Timing:
    many = 20 * one if many is None else many
    return Timing(
        latency_ms={"1": one, "32": many}, p95_ms={"1": one * 1.3, "32": many * 1.2}, compute_ms={"1": one / 2},
        rows_per_second=32_000 / many, cold_ms=300.0, compile_s=None, peak_mb=peak, rounds=15,
    )  # fmt: skip


def variant(
    name: str, one: float | None = 1.0, drop: float = 0.0, size: float = 1.0, status: str = "ok", **more: object
) -> Variant:
    """Answers in `one` ms, loses `drop` (its 95 % bound is .004 more), and is `size` MB large."""
    peak = more.pop("peak", 200.0)
    many = more.pop("many", None)
    assert isinstance(peak, float)
    assert many is None or isinstance(many, float)
    lost = Drop(
        metric=0.8 - drop, value=drop, ci=(drop - 0.005, drop + 0.005), upper=drop + 0.004 if drop else 0.0,
        changed=0.01, rows=1127,
    )  # fmt: skip
    fields: dict[str, object] = {
        "name": name, "status": status, "size_mb": size, "folder": name, "drop": lost,
        "timing": None if one is None else timing(one, many, peak),
    }  # fmt: skip
    return Variant.model_validate(fields | more)


EAGER = variant("eager", 1.4, size=3.4)
ONNX = variant("onnx", 0.5, size=3.3)
STATIC = variant("onnx-int8-static", 0.21, 0.002, 0.9)
PRUNED = variant("pruned", 0.04, 0.034, 0.5, "refused")
