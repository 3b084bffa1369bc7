"""The set of expressions by name: what text tags, messages and `--expression` may ask of a face.

What each of them does to a face stands in `txt2vid.drivers.expressions`; docs/expressions.md lists the set for people.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from txt2vid.errors import UsageError

MOODS: Mapping[str, str] = {
    "neutral": "the face at rest",
    "joy": "a broad smile that reaches the eyes",
    "smile": "a friendly smile with shut lips",
    "sadness": "corners down, inner brows up, eyes lowered",
    "anger": "brows down, lips pressed, a hard look",
    "surprise": "brows up, eyes wide, jaw dropped",
    "fear": "brows up and together, eyes wide, mouth drawn wide",
    "disgust": "nose wrinkled, upper lip raised",
    "contempt": "one corner of the mouth up, lids heavy",
    "thinking": "eyes up and aside, head tilted, lips pursed",
    "confusion": "one brow up, the other down, head tilted",
    "tired": "lids heavy, head sunk a little",
}
"""Last until another comes. Name: what is seen."""

GESTURES: Mapping[str, str] = {
    "wink": "one eye shuts, with half a smile",
    "blink": "both eyes shut",
    "nod": "the head nods twice",
    "shake": "the head is shaken",
    "tilt": "the head is laid to one side",
    "brows": "both brows go up",
    "look left": "eyes and head turn to the face's own left, the picture's right",
    "look right": "eyes and head turn to the face's own right, the picture's left",
    "look up": "eyes and head go up",
    "look down": "eyes and head go down",
}
"""Pass by themselves, over whatever mood there is. Name: what is seen."""

ALIASES: Mapping[str, str] = {
    "happy": "joy", "laugh": "joy", "excited": "joy", "friendly": "smile", "sad": "sadness", "angry": "anger",
    "surprised": "surprise", "afraid": "fear", "scared": "fear", "disgusted": "disgust", "smirk": "contempt",
    "think": "thinking", "thoughtful": "thinking", "confused": "confusion", "doubt": "confusion", "sleepy": "tired",
    "calm": "neutral", "yes": "nod", "no": "shake", "eyebrows": "brows", "raise brows": "brows",
}  # fmt: skip
NEUTRAL = "neutral"
OWN = ""
"""The name of a cue that gives the face back to the mood of its whole video or session."""
MAX_SECONDS = 600.0  # that an expression may be asked to last; longer is for ever, and that is None
MAX_NAME = 32  # characters; the longest of ours has 11


@dataclass(frozen=True, slots=True)
class Cue:
    """One expression that is asked for.

    name: of MOODS or GESTURES, or OWN. strength: 0 is nothing, 1 is clear to see from afar.
    seconds: how long; None is until another mood comes, or a gesture's own time.
    """

    name: str
    strength: float = 1.0
    seconds: float | None = None

    @property
    def is_mood(self) -> bool:
        """Whether it lasts until another comes."""
        return self.name not in GESTURES


def named(name: str) -> str:
    """The name as the set has it, from one in any case, with "-" or "_" for a space, or from another word for it.

    Raises UsageError where there is none, with the nearest.
    """
    plain = " ".join(name[: MAX_NAME + 1].lower().replace("_", " ").replace("-", " ").split())
    plain = ALIASES.get(plain, plain)
    if plain in MOODS or plain in GESTURES:
        return plain
    near = difflib.get_close_matches(plain, [*MOODS, *GESTURES, *ALIASES], 1, 0.6)
    shown = name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"
    hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join((*MOODS, *GESTURES))}"
    raise UsageError(f"expression {shown!r} is not known: {hint}")


def cue(name: str, strength: float = 1.0, seconds: float | None = None) -> Cue:
    """An expression, checked. Raises UsageError where the name is not known or a number is out of range."""
    found = named(name)
    if not (math.isfinite(strength) and 0 <= strength <= 1):
        raise UsageError(f"strength {strength:g} of {found} is out of range: write 0 to 1")
    if seconds is not None and not (math.isfinite(seconds) and 0 < seconds <= MAX_SECONDS):
        raise UsageError(f"{found} for {seconds:g} s makes no sense: write more than 0 and at most {MAX_SECONDS:g}")
    return Cue(found, float(strength), seconds)


def parse_mood(text: str) -> Cue:
    """A mood as people write it: "happy" or "happy:0.5". Raises UsageError where it is none."""
    name, colon, number = text.partition(":")
    try:
        strength = float(number) if colon else 1.0
    except ValueError as err:
        raise UsageError(
            f"expression {text[:64]!r} is not NAME or NAME:STRENGTH: write, for instance, happy:0.5"
        ) from err
    mood = cue(name, strength)
    if not mood.is_mood:
        raise UsageError(f"{mood.name} is a gesture, which passes: choose a mood of {', '.join(MOODS)}")
    return mood
