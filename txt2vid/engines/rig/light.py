"""The light on a face, as far as what lies in its mouth is lit by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.engines.rig import imaging
from txt2vid.faces.geometry import Array

_LUMA = np.array((0.114, 0.587, 0.299), np.float32)  # of B, G, R (ITU-R BT.601)
# Blue to green and red to green of people's skin from the palest to the darkest, under white light: what lies outside
# is the light's colour.
_SKIN_BLUE, _SKIN_RED = (0.70, 0.98), (1.05, 1.75)
_GLASSES = 0.35  # of the skin's brightness: eyes darker than that are no eyes
_TOOTH, _FLESH, _DARK = (0.93, 0.99, 1.01), (0.78, 0.66, 1.32), (0.75, 0.60, 1.45)  # B, G, R under white light
_WARMTH = (0.22, 0.10, -0.12)  # light that has come past lips has lost more of its blue than of its red


@dataclass(frozen=True, slots=True)
class Light:
    """How bright and of what colour things in the mouth are, from the face: BGR in 0..255.

    warmth: float32 (3,), to which power shade is taken in each channel: shade in a mouth is not grey, but reddish.
    """

    tooth: Array
    flesh: Array
    dark: Array
    warmth: Array

    def shaded(self, colour: Array, shade: Array) -> Array:
        """A colour (3,) or colours (h, w, 3) under a shade (h, w) of 0 to 1, known to 1/255."""
        steps = np.asarray(np.rint(np.clip(shade, 0, 1) * 255), np.uint8)
        return np.asarray(colour * imaging.looked_up(steps, self._powers(np.linspace(0, 1, 256, dtype=np.float32))))

    def curve(self, most: float, light: float) -> Pixels:
        """Light (1, 256, 3) for how much is covered (0 to 255): `light` in the open, `most` less where all is."""
        share = light * (1 - most * np.linspace(0, 1, 256, dtype=np.float32))
        return np.asarray(np.rint(255 * self._powers(share)), np.uint8)

    def _powers(self, shade: Array) -> Array:
        return np.asarray(np.power(shade[None, :, None], self.warmth), np.float32)


def light_of(skin: Array, sclera: Array, around: Array) -> Light:
    """From samples of the face (n, 3) BGR: the cheeks' skin, the whites of the eyes, the skin around the mouth."""
    tone = np.asarray(np.median(skin, axis=0), np.float32)
    bright = float(np.percentile(skin @ _LUMA, 80))
    white = _white(sclera, bright)
    level = bright if white is None else max(float(white @ _LUMA), bright)
    target = float(np.clip(max(level, 1.08 * bright) * _share(around, skin), 40, 238))
    # A grey picture has grey teeth and a grey tongue, and so has a statue: nothing is red in it.
    alive = float(np.clip((tone[2] - tone[:2].mean()) / max(float(tone[2]), 1.0) / 0.12, 0, 1))
    tint = 1 + min(_colour(tone) / 0.12, 1.0) * (_tint(tone, white) - 1)

    def lit(own: tuple[float, float, float], brightness: float) -> Array:
        colour = brightness * target * tint * (1 + alive * (np.array(own) - 1))
        return np.asarray(np.clip(colour, 0, 245), np.float32)

    warmth = np.asarray(1 + alive * np.array(_WARMTH), np.float32)
    return Light(lit(_TOOTH, 1.06), lit(_FLESH, 0.62), lit(_DARK, 0.13), warmth)


def _white(sclera: Array, bright: float) -> Array | None:
    """The brightest quarter of the whites of the eyes; None where too little is seen of them, or dark glasses."""
    if len(sclera) < 8:
        return None
    level = sclera @ _LUMA
    white = sclera[level >= np.percentile(level, 75)].mean(axis=0)
    return None if float(white @ _LUMA) < _GLASSES * bright else np.asarray(white, np.float32)


def _colour(tone: Array) -> float:
    return float((tone.max() - tone.min()) / max(float(tone.max()), 1.0))


def _tint(tone: Array, white: Array | None) -> Array:
    """The light's colour, of luma 1: that of the eyes' whites where they are whiter than skin, else as skin tells."""
    blue, green, red = (max(float(value), 1.0) for value in tone)
    told = np.array(
        (blue / green / np.clip(blue / green, *_SKIN_BLUE), 1.0, red / green / np.clip(red / green, *_SKIN_RED))
    )
    told = told / float(told @ _LUMA)
    if white is None:
        return np.asarray(told, np.float32)
    trust = float(np.clip((0.95 - _colour(white) / max(_colour(tone), 0.02)) / 0.45, 0, 1))
    seen = white / max(float(white @ _LUMA), 1.0)
    return np.asarray(told * (1 - trust) + (0.9 * seen + 0.1) * trust, np.float32)


def _share(around: Array, skin: Array) -> float:
    """How bright it is around the mouth against the cheeks; a beard is darker, but not the light on it."""
    if len(around) < 16:
        return 1.0
    share = np.percentile(around @ _LUMA, 92) / max(float(np.percentile(skin @ _LUMA, 80)), 1.0)
    return float(np.clip(share, 0.72, 1.0))


def under(curve: Pixels, picture: Pixels, cover: Pixels, box: imaging.Box) -> Pixels:
    """A picture of a box of what is behind the lips, in their shadow.

    curve: the light for how much is covered. cover: how much the lips cover (0 to 255).
    """
    reach = max(3, round(min(cover.shape) * 0.07)) | 1
    return imaging.shade(picture, imaging.looked_up(imaging.overcast(cover, box, reach), curve))
