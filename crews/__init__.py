"""CrewAI crews in the stock layout: agents.yaml, tasks.yaml, one class each."""

import engine  # noqa: F401  sets the switches that libraries read at import
