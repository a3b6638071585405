"""Chat models and what surrounds them: provider, offline planner, scripted model, plan types, rules."""

import engine  # noqa: F401  sets the switches that libraries read at import
