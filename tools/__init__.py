"""Typed tools over the engine: the only way an agent acts."""

import engine  # noqa: F401  sets the switches that libraries read at import
