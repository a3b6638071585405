"""Routes: each parses, calls and returns."""
