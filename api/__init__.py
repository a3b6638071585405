"""The HTTP surface (FastAPI)."""

import engine  # noqa: F401  sets the switches that libraries read at import
