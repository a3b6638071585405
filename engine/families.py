"""Names of the model families, for whoever names them without fitting one."""

FAMILIES = ("linear", "lightgbm", "forest")
"""The kinds a user may choose, cheapest first."""
KINDS = ("dummy", *FAMILIES)
"""All kinds; the dummy baseline is always there."""
