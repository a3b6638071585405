"""The offline planner: a chat model that understands the requests of this tool's users by rules.

A message is read into requests (slots, intents, understanding), each request is a skill that calls tools (skills,
finding, playing), and the results are put into words (wording). The conversation is the only state. Distilling
(distil) and drift (comparing, monitoring, retraining, labelling) have files of their own.
"""

from agents.offline.model import OfflinePlanner

__all__ = ["OfflinePlanner"]
