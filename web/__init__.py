"""The browser workbench, mounted on the API."""

import engine  # noqa: F401  sets the switches that libraries read at import
