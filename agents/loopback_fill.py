"""Arguments for a tool nobody told how to call: from what a text says, else the least that the schema allows."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

COLUMN_LIKE = re.compile(r"(^|_)(target|column|columns|feature|features|drop|time|group|groups)$")
MISSING_COLUMN = "column_that_is_not_there"
_IDS = {"dataset": "ds", "data": "ds", "model": "mdl", "monitor": "mon", "run": "run", "job": "job"}
_DEPTH = 6


def offered(body: Mapping[str, Any]) -> dict[str, Schema]:
    """The parameters of each tool that a request offers, by name."""
    tools = [tool.get("function") or {} for tool in body.get("tools") or [] if isinstance(tool, dict)]
    return {str(tool.get("name")): tool.get("parameters") or {} for tool in tools}


def arguments_for(schema: Schema, near: str, everywhere: str = "") -> dict[str, Any]:
    """Arguments that fit `schema`: as a JSON object or as `name=value` in `near`, or else by what an id looks like.

    Required ones that are told nowhere are made up. Nothing that is not in the schema is given.
    """
    properties: Mapping[str, Any] = schema.get("properties") or {}
    told = _told(near, properties)
    found = {name: _fitted(told[name], part, schema) for name, part in properties.items() if name in told}
    for name in schema.get("required") or []:
        if name not in found:
            found[name] = (
                _by_looks(name, near) or _by_looks(name, everywhere) or least(properties.get(name, {}), schema)
            )
    return found


def is_told(schema: Schema, near: str) -> bool:
    """Whether `near` holds every argument that a call must have."""
    told = _told(near, schema.get("properties") or {})
    return all(name in told or _by_looks(name, near) for name in schema.get("required") or [])


def least(part: Schema, root: Schema, depth: int = 0) -> Any:  # noqa: ANN401  any JSON
    """The simplest value that a JSON schema allows, as far as its types say."""
    part = _resolved(part, root)
    for key in ("const", "default"):
        if part.get(key) is not None:
            return part[key]
    if part.get("enum"):
        return part["enum"][0]
    choices = part.get("anyOf") or part.get("oneOf") or part.get("allOf")
    if choices:
        return least(choices[0], root, depth + 1)
    kind = part.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" and depth < _DEPTH:
        properties = part.get("properties") or {}
        return {name: least(properties.get(name, {}), root, depth + 1) for name in part.get("required") or []}
    if kind == "array" and depth < _DEPTH:
        return [least(part.get("items") or {}, root, depth + 1) for _ in range(part.get("minItems") or 0)]
    plain: dict[str | None, object] = {"integer": 1, "number": 1.0, "boolean": True, "null": None, "object": {}}
    return {**plain, "array": []}.get(kind, "something")


def columns_spoilt(arguments: Mapping[str, object]) -> dict[str, object]:
    """The arguments, with each that names columns naming one that no table has."""
    return {
        name: ([MISSING_COLUMN] if isinstance(value, list | tuple) else MISSING_COLUMN)
        if COLUMN_LIKE.search(name)
        else value
        for name, value in arguments.items()
    }


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object that begins somewhere in the text and is not part of one before."""
    decoder, start = json.JSONDecoder(), text.find("{")
    while start >= 0:
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield found
        start = text.find("{", end)


def _told(near: str, properties: Mapping[str, Any]) -> dict[str, object]:
    told: dict[str, object] = {}
    for given in objects_in(near):
        inner = next(
            (given[key] for key in ("arguments", "args", "parameters") if isinstance(given.get(key), dict)), given
        )
        fitting = {name: value for name, value in inner.items() if name in properties}
        if fitting:
            return fitting
    for name in properties:
        pair = re.search(rf"(?<!\w){re.escape(name)}\W{{0,3}}(?:=|:|\bis\b)\s*[\"'`]?([^\s\"'`,;)}}\]]+)", near)
        if pair:
            told[name] = pair[1]
    return told


def _fitted(value: object, part: Schema, root: Schema) -> object:
    """A value that a text gave as a word, as the type that the schema asks for."""
    kinds = json.dumps(_resolved(part, root))
    if isinstance(value, str) and '"string"' not in kinds:
        try:
            return json.loads(value.lower())
        except ValueError:
            return value
    return value


def _by_looks(name: str, text: str) -> str | None:
    """An id of the kind that the argument is named after, a sample, a file or an address."""
    prefix = _IDS.get(name)
    if prefix:
        match = re.search(rf"\b{prefix}_\w+", text)
        if match is None and prefix == "ds":
            match = re.search(r"\bsample:\w+", text)
        return match[0] if match else None
    if name in ("source", "path", "file"):
        match = re.search(r"\bsample:\w+|[\w./~-]+\.(?:csv|tsv|parquet|jsonl?|xlsx)\b", text)
        return match[0] if match else None
    if "url" in name or "webhook" in name:
        match = re.search(r"https?://[^\s\"'<>)]+", text)
        return match[0] if match else None
    return None


def _resolved(part: Schema, root: Schema) -> Schema:
    reference = part.get("$ref")
    if not isinstance(reference, str):
        return part
    definitions = root.get("$defs") or root.get("definitions") or {}
    found: Schema = definitions.get(reference.rsplit("/", 1)[-1], {})
    return found
