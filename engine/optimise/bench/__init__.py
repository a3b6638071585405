"""Timing variants side by side, each in a process of its own.

`benchmark.measure` starts the processes and asks them in turn; `child` is what runs in them; `protocol` is what they
say to each other; `process` starts and ends one; `timing` makes figures of what was measured. Nothing is imported here,
since the processes come through here too and must not load what the variant they time does without.
"""
