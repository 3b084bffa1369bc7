"""What the mouth does for a phoneme, in ARKit's terms: a table of IPA letters, by place and manner of articulation.

Any IPA symbol falls back on its base letters; diacritics, tones and length marks are read over. Amplitudes are those
of plain speech, in which the jaw opens far less than it can. A weight says how much the sound insists on its target
against its neighbours' (dominance: Cohen & Massaro 1993, "Modeling coarticulation in synthetic visual speech").
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHAPES: tuple[str, ...] = (
    "jawOpen", "mouthFunnel", "mouthPucker", "mouthStretchLeft", "mouthStretchRight", "mouthSmileLeft",
    "mouthSmileRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthUpperUpLeft",
    "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight", "tongueOut",
)  # fmt: skip
"""The coefficients that blend between phonemes; mouthClose and mouthPress belong to closures, which do not."""
_COLUMN: Mapping[str, int] = {shape: i for i, shape in enumerate(SHAPES)}

Row = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Viseme:
    """Targets and weights of one sound, both float64 (len(SHAPES),).

    closed: the lips must meet. tucked: the lower lip meets the upper teeth.
    """

    target: Row
    weight: Row
    closed: bool = False
    vowel: bool = False
    tucked: bool = False


Aims = dict[str, tuple[float, float]]
"""Coefficient (or the name of a Left/Right pair) -> its target and its weight."""


def _viseme(base: float, aims: Aims, *, closed: bool = False, vowel: bool = False, tucked: bool = False) -> Viseme:
    """`base` is the weight of all coefficients that are not named; their target is 0."""
    target, weight = np.zeros(len(SHAPES)), np.full(len(SHAPES), base)
    for name, (value, insistence) in aims.items():
        for full in (name,) if name in _COLUMN else (f"{name}Left", f"{name}Right"):
            target[_COLUMN[full]], weight[_COLUMN[full]] = value, insistence
    return Viseme(target, weight, closed, vowel, tucked)


def _vowel(jaw: float, *, pucker: float = 0.0, funnel: float = 0.0, spread: float = 0.0) -> Viseme:
    """Lips part with the jaw, and hardly where they round."""
    rounded = 1.6 if pucker or funnel else 0.7
    parted = 1 - min(1.0, pucker + funnel)
    aims = {
        "jawOpen": (jaw, 1.6 if pucker or funnel else 1.3), "mouthPucker": (pucker, rounded),
        "mouthFunnel": (funnel, rounded), "mouthStretch": (0.6 * spread, 1.0), "mouthSmile": (0.5 * spread, 1.0),
        "mouthUpperUp": (0.05 * parted + 0.15 * jaw, 0.8), "mouthLowerDown": (0.06 * parted + 0.25 * jaw, 0.8),
    }  # fmt: skip
    return _viseme(0.8, aims, vowel=True)


def _tongue(jaw: float, insistence: float, *, teeth: float = 0.0, **aims: tuple[float, float]) -> Viseme:
    """A consonant of the tongue: the lips are free to be where the neighbours want them, but show the teeth."""
    lips: Aims = {"mouthLowerDown": (0.22 * teeth, 0.3 + teeth), "mouthUpperUp": (0.14 * teeth, 0.3 + teeth)}
    return _viseme(0.15, {"jawOpen": (jaw, insistence)} | lips | aims)


REST = _viseme(1.0, {})
NEUTRAL = _tongue(0.12, 0.4)
"""A sound that the table does not know."""

_BILABIAL = _viseme(0.35, {"jawOpen": (0.06, 1.5), "mouthFunnel": (0.0, 0.6)}, closed=True)
_BILABIAL_OPEN = _viseme(0.3, {"jawOpen": (0.08, 1.5), "mouthPucker": (0.2, 0.6), "mouthRollLower": (0.1, 0.8)})
_LABIODENTAL = _viseme(0.4, {
    "jawOpen": (0.05, 2.2), "mouthRollLower": (0.4, 3.0), "mouthShrugLower": (0.15, 2.0), "mouthUpperUp": (0.16, 2.0),
    "mouthLowerDown": (0.0, 3.0), "mouthFunnel": (0.0, 0.8),
}, tucked=True)  # fmt: skip
_DENTAL = _tongue(0.1, 1.3, teeth=0.6, tongueOut=(0.16, 3.0))
_ALVEOLAR = _tongue(0.09, 0.8, teeth=0.4)
_NASAL = _tongue(0.06, 0.9, teeth=0.25)
_SIBILANT = _tongue(0.05, 2.2, teeth=0.8, mouthStretch=(0.12, 0.5))
_HUSHING = _tongue(0.04, 1.8, teeth=0.4, mouthFunnel=(0.42, 2.0), mouthPucker=(0.2, 1.6))
_LATERAL = _tongue(0.13, 0.7, teeth=0.3)
_RHOTIC = _tongue(0.06, 0.9, mouthFunnel=(0.18, 0.9), mouthPucker=(0.2, 0.9))
_PALATAL = _tongue(0.12, 0.8, teeth=0.3, mouthStretch=(0.15, 0.5), mouthSmile=(0.1, 0.5))
_BACK = _tongue(0.14, 0.45)
_GLOTTAL = _tongue(0.15, 0.12)
_LABIOVELAR = _viseme(0.4, {"jawOpen": (0.02, 1.6), "mouthPucker": (0.62, 3.0), "mouthFunnel": (0.22, 2.0)})
_LABIOPALATAL = _viseme(0.4, {"jawOpen": (0.02, 1.6), "mouthPucker": (0.6, 3.0), "mouthFunnel": (0.15, 2.0)})

_CONSONANTS = {
    "pbmɓʙʘ": _BILABIAL, "ɸβ": _BILABIAL_OPEN, "fvɱʋⱱ": _LABIODENTAL, "θðǀ": _DENTAL, "tdɗɾǃ": _ALVEOLAR, "n": _NASAL,
    "szɬɮ": _SIBILANT, "ʃʒɕʑʂʐɧ": _HUSHING, "lɫɭʟʎǁɺ": _LATERAL, "rɹɻɽʈɖɳ": _RHOTIC, "cɟɲjʝʄǂ": _PALATAL,
    "kɡgŋxɣɰɠqɢɴʀʁχʛ": _BACK, "hɦʔħʕʜʢʡ": _GLOTTAL, "wʍ": _LABIOVELAR, "ɥ": _LABIOPALATAL,
}  # fmt: skip
_VOWELS = {
    "a": _vowel(0.5), "ɑ": _vowel(0.44), "ɐ": _vowel(0.32), "ʌ": _vowel(0.28), "ɜ": _vowel(0.24),
    "æ": _vowel(0.48, spread=0.25), "ɒ": _vowel(0.24, funnel=0.22), "ɶ": _vowel(0.28, funnel=0.2),
    "ɔ": _vowel(0.17, funnel=0.32, pucker=0.14), "ɞ": _vowel(0.15, funnel=0.2), "ɛ": _vowel(0.38, spread=0.25),
    "œ": _vowel(0.13, funnel=0.25, pucker=0.2), "e": _vowel(0.28, spread=0.4),
    "ø": _vowel(0.07, funnel=0.2, pucker=0.42), "oɤ": _vowel(0.08, funnel=0.32, pucker=0.34), "ə": _vowel(0.16),
    "ɘɵ": _vowel(0.13, pucker=0.1), "ɚɝ": _vowel(0.08, funnel=0.18, pucker=0.18), "ɪ": _vowel(0.22, spread=0.35),
    "ᵻɨ": _vowel(0.16, spread=0.15), "ʏ": _vowel(0.05, funnel=0.12, pucker=0.45), "i": _vowel(0.17, spread=0.6),
    "y": _vowel(0.03, funnel=0.12, pucker=0.58), "ʊ": _vowel(0.06, funnel=0.22, pucker=0.38),
    "uʉɯ": _vowel(0.03, funnel=0.2, pucker=0.56),
}  # fmt: skip
_LETTERS: Mapping[str, Viseme] = {
    letter: viseme for letters, viseme in (_CONSONANTS | _VOWELS).items() for letter in letters
}


@functools.lru_cache(maxsize=1024)
def visemes(symbol: str) -> tuple[Viseme, ...]:
    """The visemes of an IPA symbol, in order: two for a diphthong or an affricate, one mild one for the unknown."""
    letters = (_LETTERS.get(char) for char in unicodedata.normalize("NFD", symbol))
    found = tuple(viseme for viseme in letters if viseme is not None)
    return found or ((NEUTRAL,) if symbol.strip() else (REST,))
