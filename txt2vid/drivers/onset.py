"""The first sounds of a recording, which an f or v may be: heard again once it is known how loud the voice is.

At first nothing tells what is loud for a voice. A hiss that it begins with is taken for noise, or for the voice's own
loudness; the vowel that follows tells better, and the lookahead leaves time to go back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from txt2vid.drivers.features import MARGIN_DB, RANGE_DB, SOFT_DB, Hop

BEFORE_HOPS = 20  # before what was first taken for a voice: so long may a consonant be that it begins with
FRESH_HOPS = 30  # of a voice, until it is known how loud it is
REACHED_HOPS, RISE_HOPS = 8, 4  # before a voice, what can still be shown; in how many of those the mouth leaves rest


class Onset:
    """Keeps a voice's first hops, and what was heard right before them."""

    def __init__(self) -> None:
        self._before: deque[Hop] = deque(maxlen=BEFORE_HOPS)
        self._voice: list[Hop] = []
        self._over = False

    def push(self, hops: Iterable[Hop]) -> list[Hop]:
        """Takes the next hops. While a voice is new: the last ones up to now, as they are known by now; else none."""
        for hop in () if self._over else hops:
            if self._voice or hop.speech:
                self._voice.append(hop)
            else:
                self._before.append(hop)
        if self._over or not self._voice:
            return []
        if len(self._voice) > FRESH_HOPS:
            self._before.clear()
            self._voice.clear()
            self._over = True
            return []
        return again([*self._before, *self._voice], len(self._before))


def again(hops: Sequence[Hop], first: int) -> list[Hop]:
    """Hops against what is loud for the voice as of the last of them; `first`: the one that was taken for a voice.

    Those before it are speech as far as they rose out of what was there, are within the voice's range, and go on until
    the voice.
    """
    levels = np.array([hop.levels for hop in hops])
    newest = hops[-1]
    lift = max(0.0, float(_whole(levels).max() - _whole(np.array(newest.loud))))  # the loudest so far is loud
    in_range = (levels - np.array(newest.loud) - lift + RANGE_DB) / SOFT_DB
    above_noise = (levels - np.minimum.accumulate(levels) - MARGIN_DB) / SOFT_DB
    sure = np.array([hop.speech for hop in hops])
    sure[first:] = np.minimum(sure[first:], np.clip(in_range[first:].max(axis=1), 0, 1))
    rose = np.clip(np.minimum(above_noise, in_range)[: first + 1].max(axis=1), 0, 1)
    left = np.arange(first, 0, -1)  # hops until the voice
    reached = np.clip((REACHED_HOPS + 1 - left) / RISE_HOPS, 0, 1)
    sure[:first] = np.minimum.accumulate(rose[::-1])[::-1][:first] * reached
    loud = newest.sounds - newest.mels + lift
    return [
        hop._replace(speech=speech, mels=hop.sounds - loud) for hop, speech in zip(hops, sure.tolist(), strict=True)
    ]


def _whole(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The level of all bands together, dB."""
    return np.asarray(10 * np.log10((10 ** (levels / 10)).sum(axis=-1)))
