"""The ML engine. Knows nothing of LLMs, HTTP or the floors above."""

from engine.environment import set_library_defaults

set_library_defaults()
