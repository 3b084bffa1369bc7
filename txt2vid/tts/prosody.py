"""What SSML's attributes ask for, as numbers: SSML 1.1, 3.2.2 to 3.2.4."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Change = dict[str, Any]  # arguments of Style.changed

MANNERS: Mapping[str, Change] = {
    "whisper": {"whisper": True},
    "slow": {"rate": 0.75},
    "fast": {"rate": 1.35},
    "loud": {"volume": 6.0},
    "soft": {"volume": -8.0},
    "high": {"pitch": 1.2},
    "low": {"pitch": 0.83},
}
"""Manners of speaking by their tags: [whisper] … [/whisper]."""
LONGEST = 10.0  # seconds of one pause

_RATES = {"x-slow": 0.6, "slow": 0.8, "medium": 1.0, "default": 1.0, "fast": 1.3, "x-fast": 1.7}
_PITCHES = {"x-low": 0.75, "low": 0.87, "medium": 1.0, "default": 1.0, "high": 1.15, "x-high": 1.35}
_VOLUMES = {"silent": -24.0, "x-soft": -14.0, "soft": -7.0, "medium": 0.0, "default": 0.0, "loud": 5.0, "x-loud": 9.0}
_BREAKS = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.7, "x-strong": 1.2}
_EMPHASES: Mapping[str, Change] = {
    "strong": {"rate": 0.82, "pitch": 1.12, "volume": 4.0},
    "moderate": {"rate": 0.9, "pitch": 1.07, "volume": 2.0},
    "none": {},
    "reduced": {"rate": 1.08, "pitch": 0.96, "volume": -3.0},
}
_TIME = re.compile(r"\+?(\d{0,6}(?:\.\d{1,6})?)(ms|s)")
_SHARE = re.compile(r"([+-]?)(\d{1,4}(?:\.\d{1,4})?)(%|st|db)?")


class TagError(ValueError):
    """Something that looks like a tag and is none, or asks for what cannot be. The message is half a sentence."""


class UnlikeTagError(TagError):
    """Brackets that were hardly meant as a tag: "[1]", "[sic]"."""


class StrayTagError(TagError):
    """A tag that closes what is not open; it is never spoken."""


def seconds(text: str) -> float:
    """Of "300ms" or "1.5s". Raises TagError where it is neither, or longer than LONGEST."""
    found = _TIME.fullmatch(text.strip().lower())
    if found is None or not found.group(1):
        raise TagError(f"{text!r} is no time: write, for instance, 300ms or 1.5s")
    value = float(found.group(1)) / (1000 if found.group(2) == "ms" else 1)
    if value > LONGEST:
        raise TagError(f"{text} is longer than {LONGEST:g} s")
    return value


def pause(given: Mapping[str, str]) -> float:
    """Seconds of <break>. Raises TagError where its attributes make no sense."""
    if "time" in given:
        return seconds(given["time"])
    return _named(given.get("strength", "medium"), _BREAKS, "strength of <break>")


def emphasis(given: Mapping[str, str]) -> Change:
    """The change of <emphasis>. Raises TagError where its level is not known."""
    level = given.get("level", "moderate")
    if level not in _EMPHASES:
        raise TagError(f"level {level!r} of <emphasis> is not known: choose one of {', '.join(_EMPHASES)}")
    return dict(_EMPHASES[level])


def change(given: Mapping[str, str]) -> Change:
    """The change of <prosody>. Raises TagError where its attributes make no sense."""
    asked: Change = {}
    if "rate" in given:
        asked["rate"] = _factor(given["rate"], _RATES, "rate")
    if "pitch" in given:
        asked["pitch"] = _factor(given["pitch"], _PITCHES, "pitch")
    if "volume" in given:
        asked["volume"] = _decibels(given["volume"])
    return asked


def _factor(text: str, known: Mapping[str, float], what: str) -> float:
    """Of a word, "80%" or "0.8" (of the usual), "+10%", "-2st"."""
    found = _SHARE.fullmatch(text.strip().lower())
    if found is None or found.group(3) == "db":
        return _named(text.strip().lower(), known, what)
    sign, number, unit = found.group(1), float(found.group(2)), found.group(3)
    signed = -number if sign == "-" else number
    if unit == "st":
        value = 2 ** (max(-48.0, min(48.0, signed)) / 12)
    elif unit == "%":
        value = 1 + signed / 100 if sign else number / 100
    else:
        value = number
    return min(max(value, 0.1), 10.0)


def _decibels(text: str) -> float:
    found = _SHARE.fullmatch(text.strip().lower())
    if found is None or found.group(3) != "db":
        return _named(text.strip().lower(), _VOLUMES, "volume")
    value = float(found.group(2))
    return -value if found.group(1) == "-" else value


def _named(text: str, known: Mapping[str, float], what: str) -> float:
    if text not in known:
        raise TagError(f"{what} {text!r} is not known: choose one of {', '.join(known)}")
    return known[text]
