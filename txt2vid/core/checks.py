"""JSON from outside into dataclasses: every field is of its type, or the message is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

MAX_NUMBER = 2**53  # beyond it, JSON of other languages (doubles) does not count exactly (RFC 8259, 6)
SHOWN = 64  # characters of an unknown type's name in the error
M = TypeVar("M")


class WireError(ValueError):
    """A message that makes no sense. code: a key of wire.CLOSE_CODES."""

    def __init__(self, message: str, code: str = "protocol") -> None:
        super().__init__(message)
        self.code = code


def decoded(text: str, known: Mapping[str, type[M]]) -> M:
    """The message of a JSON object that names one of the known types. Raises WireError where it is none."""
    body = _object(text, "a text message")
    kind = body.pop("type", None)
    if not isinstance(kind, str) or kind not in known:
        shown = kind[:SHOWN] if isinstance(kind, str) else type(kind).__name__
        raise WireError(f"messages of type {shown!r} are not known: {', '.join(known)} are")
    return _built(known[kind], body, kind)


def decoded_as(text: str, cls: type[M], what: str) -> M:
    """A JSON object as a message of that type. what: its name in errors. Raises WireError where it is none."""
    return _built(cls, _object(text, what), what)


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        body = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as err:
        raise WireError(f"{what} is no JSON") from err
    if not isinstance(body, dict):
        raise WireError(f"{what} is no JSON object")
    return body


def _no_number(name: str) -> float:
    raise ValueError(name)


def _built(cls: type[M], body: Mapping[str, Any], kind: str) -> M:
    """The message of a JSON object; fields that are not known are passed over, so that old parts know new ones."""
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for item in fields(cls):  # type: ignore[arg-type]  # every message is a dataclass
        if body.get(item.name) is not None:
            values[item.name] = _checked(body[item.name], hints[item.name], f"{item.name!r} of {kind}")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise WireError(f"{kind} needs {item.name!r}")
    try:
        return cls(**values)
    except WireError:
        raise
    except ValueError as err:
        raise WireError(str(err)) from err


def _checked(value: Any, hint: Any, what: str) -> Any:
    """The value, if it is of the type that the field has. Raises WireError otherwise."""
    choices = (
        [choice for choice in get_args(hint) if choice is not type(None)] if type(None) in get_args(hint) else [hint]
    )
    (wanted,) = choices
    if isinstance(wanted, type) and is_dataclass(wanted) and isinstance(value, dict):
        return _built(wanted, value, what)
    if wanted in (dict[str, str], dict[str, int]):
        if type(value) is not dict:
            raise WireError(f"{what} is no dict")
        return {_plain(key, str, what): _plain(item, get_args(wanted)[1], what) for key, item in value.items()}
    return _plain(value, wanted, what)


def _plain(value: Any, wanted: type, what: str) -> Any:
    """A string that is Unicode, a number that every language has. Raises WireError otherwise."""
    if type(value) is int and wanted in (int, float) and abs(value) > MAX_NUMBER:
        raise WireError(f"{what} is too large")
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise WireError(f"{what} is no {wanted.__name__}")
    if isinstance(value, float) and not math.isfinite(value):  # JSON's 1e999
        raise WireError(f"{what} is too large")
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):  # JSON's "\\ud800"
        raise WireError(f"{what} holds half a character")
    return value
