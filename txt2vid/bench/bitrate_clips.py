"""A clip's ways beside one another as one video: as it is, as H.264 and AV1 at their least, and drawn by us."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from txt2vid.bench import bitrate
from txt2vid.core.media import Pixels
from txt2vid.core.options import FaceOptions, RenderOptions
from txt2vid.ffmpeg import AudioReader, Encoder, VideoReader
from txt2vid.pipeline.render import render

SIZE, FPS, CAPTION = bitrate.SIZES[0], Fraction(25), 28  # pixels of each picture, frames a second, pixels of a line
ALIKE = 12  # CRF that nobody sees
FONT, GREY, LIGHT = cv2.FONT_HERSHEY_SIMPLEX, 32, (230, 230, 230)


def side_by_side(path: Path, clip: bitrate.Clip, target: Path) -> None:
    """Writes the clip's ways beside one another, with the clip's sound. Raises what `render` and `Encoder` raise.

    Ours is the clip's first picture, whose face speaks with the clip's voice.
    """
    small = bitrate.SIZES[-1]
    with tempfile.TemporaryDirectory(prefix="txt2vid-bitrate-") as folder:
        first, ours, ways = Path(folder, "face.png"), Path(folder, "ours.mp4"), []
        codecs = (("H.264", "libx264", bitrate.H264_CRFS[-1]), ("AV1", bitrate.av1(), bitrate.AV1_CRFS[-1]))
        for name, codec, crf in codecs:
            if codec is not None:
                made = bitrate.picture(path, Path(folder, f"{codec}.mkv"), codec, small, crf)
                ways.append((made, _caption(clip, f"{name} {small[0]}x{small[1]} CRF {crf}")))
        _first(path, first)
        render(RenderOptions(FaceOptions(first, size=SIZE[1]), ours, audio=path, fps=FPS))
        whole = ((path, "as it is"), (ours, f"drawn here: {clip.text.payload:.0f} bit/s as text"))
        fitted = [(bitrate.picture(each, Path(folder, f"{i}.mkv"), "libx264", SIZE, ALIKE), words)
                  for i, (each, words) in enumerate(whole)]  # fmt: skip
        _joined([fitted[0], *ways, fitted[1]], path, target)


def _caption(clip: bitrate.Clip, name: str) -> str:
    least = min(rate.payload for rate in clip.rates if rate.name.startswith(name))
    return f"{name}, with sound: {least / 1000:.1f} kbit/s"


def _first(path: Path, target: Path) -> None:
    """The clip's first picture."""
    with VideoReader(path) as reader:
        cv2.imwrite(str(target), next(reader).pixels)


def _joined(ways: list[tuple[Path, str]], sound: Path, target: Path) -> None:
    """Two in a row."""
    captions = [words for _, words in ways]
    with ExitStack() as stack:
        readers = [stack.enter_context(VideoReader(path, SIZE, FPS)) for path, _ in ways]
        audio = stack.enter_context(AudioReader(sound))
        height = (SIZE[1] + CAPTION) * (-(-len(ways) // 2))
        encoder = stack.enter_context(Encoder(target, 2 * SIZE[0], height, FPS, audio.rate, audio.channels))
        for pictures in _together(readers):
            encoder.write_frame(_sheet(pictures, captions))
            while encoder.samples * FPS < encoder.frames * audio.rate and (chunk := next(audio, None)) is not None:
                encoder.write_audio(chunk.samples)


def _together(readers: list[VideoReader]) -> Iterator[list[Pixels]]:
    """Each reader's next picture, or its last, as long as the first goes on."""
    pictures: list[Pixels] = []
    for frame in readers[0]:
        others = [next(reader, None) for reader in readers[1:]]
        held = pictures[1:] or [frame.pixels] * len(others)
        pictures = [frame.pixels, *(b if a is None else a.pixels for a, b in zip(others, held, strict=True))]
        yield pictures


def _sheet(pictures: list[Pixels], captions: list[str]) -> Pixels:
    cells = [np.concatenate([each, _line(words)]) for each, words in zip(pictures, captions, strict=True)]
    if len(cells) % 2:
        cells.append(np.zeros_like(cells[0]))
    rows = [np.concatenate(cells[i : i + 2], axis=1) for i in range(0, len(cells), 2)]
    return np.concatenate(rows)


def _line(words: str) -> Pixels:
    line = np.full((CAPTION, SIZE[0], 3), GREY, np.uint8)
    cv2.putText(line, words, (8, CAPTION - 9), FONT, 0.55, LIGHT, 1, cv2.LINE_AA)
    return line
