"""The network of the speech driver: what it hears, what it tells, and its sum in plain numpy.

    hop (SEEN,) ──> EACH ──> relu ──┐
    … PAST + 1 + AHEAD hops ────────┴──> HIDDEN ──> relu ──> LAST ──> relu ──> TOLD ──> sigmoid: a moment

A moment depends on those hops alone: nothing is carried along, so nothing can build up or be thrown off for long.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from txt2vid.drivers.features import MELS, Hop
from txt2vid.errors import DependencyError

PAST, AHEAD = 30, 8  # hops before and after the moment
SPAN = PAST + 1 + AHEAD
SEEN = MELS + 1
EACH, HIDDEN, LAST = 40, 192, 96
TUCK_HIDDEN, TUCK_LAST = 96, 48  # units beside those, which only `tucked` and what follows it are told from
TOLD = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile", "mouthRollLower", "mouthRollUpper",
        "mouthShrugLower", "mouthUpperUp", "mouthLowerDown", "tongueOut", "closed", "tucked", "freed")  # fmt: skip
"""Coefficients, both sides alike, before closures are laid over them.

closed: how surely the lips meet. tucked: how surely the lower lip meets the upper teeth. freed: how surely an f or v is
so near that lips which seem to meet do not: a v sounds much like b and m, most of all where it begins and ends.
"""
JAW, FUNNEL, CLOSED, TUCKED, FREED = (
    TOLD.index(name) for name in ("jawOpen", "mouthFunnel", "closed", "tucked", "freed")
)
LIMITS = np.array([0.8, 0.6, 0.8, 0.5, 0.5, 0.5, 0.3, 0.3, 0.4, 0.5, 0.3, 1.0, 1.0, 1.0], np.float32)
"""What each of TOLD is at most: the sigmoid's 1."""
LOWEST_DB, HIGHEST_DB, SCALE_DB = -45.0, 15.0, 15.0  # of a band, against what is loud in it for the voice

Array = NDArray[np.float32]


def seen(hops: Sequence[Hop]) -> Array:
    """What the network sees of hops, (n, SEEN)."""
    mels = np.array([hop.mels for hop in hops]).reshape(len(hops), MELS)
    speech = np.array([hop.speech for hop in hops]).reshape(len(hops), 1)
    against = np.clip(mels, LOWEST_DB, HIGHEST_DB) / SCALE_DB + 1
    return np.asarray(np.concatenate((against, speech), axis=1), np.float32)


class SpeechNetwork:
    """Weights by name, as `layers` lists them; see there for their shapes."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._each, self._each_bias = weights["each.weight"], weights["each.bias"]
        self._hidden, self._hidden_bias = weights["hidden.weight"], weights["hidden.bias"]
        self._last, self._last_bias = weights["last.weight"], weights["last.bias"]
        self._told, self._told_bias = weights["told.weight"], weights["told.bias"]

    def hear(self, hops: Sequence[Hop]) -> Array:
        """What is kept of hops, (n, EACH)."""
        return np.asarray(np.maximum(seen(hops) @ self._each + self._each_bias, 0))

    def tell(self, heard: Array) -> Array:
        """The coefficients, (n, len(TOLD)), of n moments, each of SPAN hops as `hear` keeps them: (n, SPAN, EACH)."""
        hidden = np.maximum(heard.reshape(len(heard), -1) @ self._hidden + self._hidden_bias, 0)
        last = np.maximum(hidden @ self._last + self._last_bias, 0)
        return np.asarray(LIMITS / (1 + np.exp(-(last @ self._told + self._told_bias))))


def layers() -> Mapping[str, tuple[int, ...]]:
    """Name -> shape of all weights, inputs first."""
    hidden, last = HIDDEN + TUCK_HIDDEN, LAST + TUCK_LAST
    sizes = {"each": (SEEN, EACH), "hidden": (SPAN * EACH, hidden), "last": (hidden, last), "told": (last, len(TOLD))}
    weights = {f"{name}.weight": size for name, size in sizes.items()}
    return weights | {f"{name}.bias": size[1:] for name, size in sizes.items()}


def load(path: Path) -> SpeechNetwork:
    """Reads weights. Raises DependencyError where they are missing, damaged or of another shape."""
    mend = "install txt2vid anew, or train them: python scripts/train_speech_driver.py"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            weights = {name: file[name].astype(np.float32) for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as err:
        raise DependencyError(f"the speech driver's weights {path} cannot be read ({err}): {mend}") from err
    if {name: array.shape for name, array in weights.items()} != dict(layers()):
        raise DependencyError(f"the speech driver's weights {path} are of another version: {mend}")
    return SpeechNetwork(weights)
