"""LangGraph state machines and the session runner."""

import engine  # noqa: F401  sets the switches that libraries read at import
