"""How far the Wav2Lip engine's lips are ahead of the sound, by either alignment of mel windows and frames.

    python benchmarks/alignment.py --checkpoint wav2lip.pth [--face FACE] [--text TEXT]

The same text is rendered with each alignment, and by the mesh engine, whose lips follow the voice's own phoneme times.
The inner-lip gap of each (landmarks 13 and 14 over the face's height, by the face mesh) is correlated with the mesh
engine's at lags of up to 320 ms; the peak is placed between frames by a parabola.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click
import numpy as np

from txt2vid.core.options import EngineOptions, FaceOptions
from txt2vid.engines.base import Job
from txt2vid.faces.crop import view_of
from txt2vid.faces.found import look
from txt2vid.faces.prepare import prepare_face
from txt2vid.pipeline.choice import choose
from txt2vid.pipeline.timeline import moments
from txt2vid.pipeline.voice import TextVoice

ROOT = Path(__file__).parents[1]
FPS = Fraction(25)
LAGS = 8  # frames to either side
TEXT = (
    "My mother makes more muffins on Monday mornings. Five brave foxes have found very fine vines. "
    "Oh no, go home, Joe, don't throw those stones. Peter Piper picked a peck of pickled peppers."
)


def gaps(options: EngineOptions, face_path: Path, text: str) -> np.ndarray:
    """The inner-lip gap of each frame, in face heights."""
    engine = choose(options).engine
    face = prepare_face(FaceOptions(face_path, size=512))
    prepared, voice, found = engine.prepare(face), TextVoice(text, "flite"), []
    view = view_of(face.frames.landmarks(0))
    stream = list(moments(voice, [voice.driver], FPS, engine.hearing(FPS)))
    for start in range(0, len(stream), engine.batch):
        jobs = [Job(prepared, 0, each.motion, each.heard) for each in stream[start : start + engine.batch]]
        for frame in engine.render(jobs):
            points, _ = look(frame, view)
            found.append(np.linalg.norm(points[13] - points[14]) / np.linalg.norm(points[10] - points[152]))
    return np.array(found)


def lag(curve: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Milliseconds that the curve is behind the reference, and the correlation at the peak."""
    inner = slice(LAGS, len(reference) - LAGS)
    shifted = [np.corrcoef(np.roll(curve, -by)[inner], reference[inner])[0, 1] for by in range(-LAGS, LAGS + 1)]
    peak = int(np.argmax(shifted[1:-1])) + 1
    before, at, after = shifted[peak - 1 : peak + 2]
    part = 0.5 * (before - after) / (before - 2 * at + after)
    return float((peak - LAGS + part) * 1000 / FPS), float(at)


@click.command()
@click.option("--checkpoint", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--face", type=click.Path(exists=True, path_type=Path), default=ROOT / "sample_data" / "hero.png")
@click.option("--text", default=TEXT)
def main(checkpoint: Path, face: Path, text: str) -> None:
    """Measures and prints the table."""
    reference = gaps(EngineOptions("mesh"), face, text)
    print("| alignment | lips behind the sound (+) or ahead of it (-) | correlation |\n|---|---|---|")
    for alignment in ("trained", "published"):
        options = EngineOptions("wav2lip", checkpoint, device="cpu", alignment=alignment)
        late, likeness = lag(gaps(options, face, text), reference)
        print(f"| {alignment} | {late:+.0f} ms | {likeness:.2f} |")


if __name__ == "__main__":
    main()
