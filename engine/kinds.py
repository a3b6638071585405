"""The words for what a column holds and what a target asks for. Nothing is loaded with them."""

from typing import Literal

Kind = Literal["number", "integer", "category", "text", "datetime", "boolean", "identifier", "image"]
Task = Literal["binary", "multiclass", "regression"]
