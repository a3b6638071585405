"""Question answering over ML documents: load, chunk, index, retrieve, answer with citations."""

import engine  # noqa: F401  sets the switches that libraries read at import
