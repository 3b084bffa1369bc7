"""How much the lips that a driver makes of a sound are like those of the person who said it.

    python benchmarks/lipsync.py FOLDER [--face FACE] [--fast] [--evidence 90] [--aligned] [--json] [--video DIR]

For each clip of a folder (a video with a face and speech) its sound drives a neutral face, drawn by the mesh engine at
25 frames a second; the mouth of that is measured as `txt2vid score` does, and compared with the clip's own: the best
correlation of the inner-lip gap, and of the mouth's width, within ±120 ms, and the lag there (+: ours is later). With
--fast nothing is drawn, and the driver's coefficients are taken for the gap and the width. With --aligned clips whose
picture is beside its sound, as INDEX.tsv says ("at video-200ms"), are moved to where it belongs.

Beside the drivers stand two floors: loudness alone, and the default driver with another clip's sound.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import click
import numpy as np

from txt2vid import registry
from txt2vid.core.clock import FrameTime
from txt2vid.core.media import Pixels, Samples
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.options import FaceOptions
from txt2vid.drivers.bands import BandDriver
from txt2vid.drivers.base import Driver
from txt2vid.drivers.features import Ear
from txt2vid.engines.base import Job
from txt2vid.engines.mesh import MeshEngine
from txt2vid.errors import Txt2VidError
from txt2vid.faces.crop import view_of
from txt2vid.faces.found import look
from txt2vid.faces.head import head_of
from txt2vid.faces.prepare import prepare_face
from txt2vid.ffmpeg import Encoder, VideoReader, probe
from txt2vid.pipeline.timeline import moments
from txt2vid.score.curves import LONG_PAUSE
from txt2vid.score.hearing import GRID, SoundOf, opening, widening
from txt2vid.score.measures import Curve, best_lag, on_grid
from txt2vid.score.score import SAME_WORDS, measure

ROOT = Path(__file__).parents[1]
FPS, SIZE = Fraction(25), 256
VIDEOS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})


class LoudnessDriver(Driver):
    """The jaw follows the level, against what is loud for this voice; nothing else moves."""

    lookahead: ClassVar[int] = BandDriver.lookahead

    def __init__(self) -> None:
        self._ear, self._given, self._levels = Ear(), 0, [0.0]

    def drive(self, frame: FrameTime, speech: Samples) -> Motion:
        """The mouth at the middle of `frame`."""
        for hop in self._ear.hear(self._given, speech):
            level, loud = (10 * np.log10(sum(10 ** (band / 10) for band in row)) for row in (hop.levels, hop.loud))
            self._levels.append(hop.speech and float(min(1.0, 10 ** ((level - loud) / 20))))
        self._given += len(speech)
        at = round(float(frame.time + frame.duration / 2) * GRID)
        near = self._levels[max(0, at - 2) : at + 4]  # about 50 ms, as long as a frame
        return Motion(coefficients(jawOpen=0.5 * float(np.mean(near or [0.0]))))


DRIVERS: dict[str, Callable[[], Driver]] = {
    "default": lambda: registry.load("driver", "speech")(),
    "hand-made": BandDriver,
    "loudness": LoudnessDriver,
}
LATE = r"at video([+-]\d+)ms"  # milliseconds that the picture is behind the sound
SHUFFLED = "shuffled"  # the first of them, with another clip's sound


@dataclass(frozen=True)
class Mouth:
    """Curves on the grid of `txt2vid.score`: gap and width, in any unit."""

    gap: Curve
    width: Curve


@dataclass(frozen=True)
class Likeness:
    """The best correlation and its lag; None where there is nothing to compare."""

    gap: float | None
    gap_lag_ms: float | None
    width: float | None
    width_lag_ms: float | None


class Stage:
    """The neutral face, and what is seen of it while it speaks."""

    def __init__(self, face_path: Path) -> None:
        self._engine = MeshEngine()
        face = prepare_face(FaceOptions(face_path, size=SIZE))
        self.size = face.size
        self._prepared, self._view = self._engine.prepare(face), view_of(face.frames.landmarks(0))

    def frames(self, sound: Path, driver: Driver) -> Iterator[tuple[Pixels, Samples]]:
        """Each frame with the sound that belongs to it."""
        for moment in moments(SoundOf(sound, driver), (driver,), FPS):
            yield self._engine.render([Job(self._prepared, 0, moment.motion)])[0], moment.sound

    def mouth(self, sound: Path, driver: Driver) -> Mouth:
        """What is seen of the mouth."""
        rows = [self._seen(pixels) for pixels, _ in self.frames(sound, driver)]
        return curves([(i + 0.5) / float(FPS) for i in range(len(rows))], rows)

    def _seen(self, pixels: Pixels) -> tuple[float, float]:
        head = head_of(look(pixels, self._view)[0])
        return (np.nan, np.nan) if head is None else (head.gap, head.width)


def asked(sound: Path, driver: Driver) -> Mouth:
    """What the driver asks of the mouth, with nothing drawn."""
    found = [each.motion.blendshapes for each in moments(SoundOf(sound, driver), (driver,), Fraction(GRID))]
    times = [(i + 0.5) / GRID for i in range(len(found))]
    return curves(times, [(opening(each), widening(each)) for each in found])


def curves(times: Sequence[float], rows: Sequence[tuple[float, float]]) -> Mouth:
    """Gap and width at those times, on the grid."""
    at, table = np.array(times), np.array(rows, np.float64).reshape(-1, 2)
    places = round((times[-1] if times else 0) * GRID) + 1
    return Mouth(*(on_grid(at, column, places, GRID, LONG_PAUSE) for column in table.T))


def compared(ours: Mouth, theirs: Mouth) -> Likeness:
    """How alike two mouths are, as long as both are there."""
    shared = min(len(ours.gap), len(theirs.gap))
    found: list[float | None] = []
    for a, b in ((ours.gap, theirs.gap), (ours.width, theirs.width)):
        lag = best_lag(a[:shared], b[:shared], GRID, SAME_WORDS)
        found += [None, None] if lag is None else [round(lag.likeness, 3), round(1000 * lag.seconds, 1)]
    return Likeness(*found)


def evidence(folder: Path, says: str = r"beats (\d+)%") -> dict[str, float]:
    """By file name, the per cent of mismatched pairings that a clip beats, as an INDEX.tsv there or above says.

    says: how it says that, or another number.
    """
    for place in (folder, folder.absolute().parent):
        if (place / "INDEX.tsv").is_file():
            with (place / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
                rows = [
                    (row, re.search(says, row.get("sync_evidence") or ""))
                    for row in csv.DictReader(file, delimiter="\t")
                ]
            return {Path(row["path"]).name: float(found[1]) for row, found in rows if found}
    return {}


def clips(folder: Path, least: float | None, *, aligned: bool = False) -> dict[Path, Mouth]:
    """The folder's clips with what their mouths do; those that cannot be measured are named and left out.

    aligned: mouths that are known to be beside the sound are moved.
    """
    known = evidence(folder) if least is not None else {}
    late = evidence(folder, LATE) if aligned else {}
    made = {}
    for path in sorted(each for each in folder.iterdir() if each.suffix.lower() in VIDEOS):
        if least is not None and known.get(path.name, 0.0) < least:
            continue
        try:
            measured = measure(path)
        except Txt2VidError as err:
            click.echo(f"left out: {err}", err=True)
            continue
        places = round(late.get(path.name, 0.0) / 1000 * GRID)
        made[path] = Mouth(*(earlier(curve, places) for curve in (measured.gap, measured.width)))
    return made


def earlier(curve: Curve, places: int) -> Curve:
    """So many places earlier, or later where that is below 0; as long as before, NaN where nothing is known."""
    moved = np.full(len(curve), np.nan)
    if abs(places) < len(curve):
        moved[max(0, -places) : len(curve) - max(0, places)] = curve[max(0, places) : len(curve) + min(0, places)]
    return moved


def run(found: dict[Path, Mouth], act: Callable[[Path, Driver], Mouth]) -> dict[str, dict[str, Likeness]]:
    """By clip and driver, how like the clip's own mouth."""
    paths, first = list(found), next(iter(DRIVERS))
    made: dict[str, dict[str, Likeness]] = {}
    acted = {path: {name: act(path, make()) for name, make in DRIVERS.items()} for path in paths}
    for i, path in enumerate(paths):
        mouths = dict(acted[path])
        if len(paths) > 1:
            mouths[SHUFFLED] = acted[paths[(i + 1) % len(paths)]][first]
        made[path.name] = {name: compared(mouth, found[path]) for name, mouth in mouths.items()}
    return made


def means(rows: dict[str, dict[str, Likeness]]) -> dict[str, Likeness]:
    """By driver, over all clips that could be compared; lags as means of their absolute values."""
    made = {}
    for name in dict.fromkeys(name for row in rows.values() for name in row):
        columns = []
        for field in ("gap", "gap_lag_ms", "width", "width_lag_ms"):
            numbers = [getattr(row[name], field) for row in rows.values() if name in row]
            known = [abs(each) if field.endswith("ms") else each for each in numbers if each is not None]
            columns.append(round(float(np.mean(known)), 3) if known else None)
        made[name] = Likeness(*columns)
    return made


def table(rows: dict[str, dict[str, Likeness]]) -> Iterator[str]:
    """One markdown table."""
    mean = means(rows)
    yield f"| clip | {' | '.join(f'{name}: gap | lag, ms | width' for name in mean)} |"
    yield "|---|" + "---|" * 3 * len(mean)
    for clip, row in rows.items():
        yield f"| {clip} | {' | '.join(_cells(row[name], '+.0f') for name in mean)} |"
    cells = " | ".join(_cells(each, ".0f") for each in mean.values())
    yield f"| **mean** of {len(rows)}, lags without sign | {cells} |"


def _cells(found: Likeness, form: str) -> str:
    numbers = ((found.gap, ".2f"), (found.gap_lag_ms, form), (found.width, ".2f"))
    return " | ".join("–" if number is None else format(number, each) for number, each in numbers)


def side_by_side(path: Path, stage: Stage, driver: Driver, target: Path) -> None:
    """The clip to the left, ours to the right, at one height, with the clip's sound."""
    width, height = stage.size
    video = probe(path).video
    beside = round(height * video.width / video.height / 2) * 2 if video is not None else width
    sound = SoundOf(path, driver)
    left = np.zeros((height, beside, 3), np.uint8)
    with (VideoReader(path, (beside, height), FPS) as reader,
          Encoder(target, beside + width, height, FPS, sound.rate, sound.channels) as encoder):  # fmt: skip
        for pixels, samples in stage.frames(path, driver):
            frame = next(reader, None)
            left = left if frame is None else frame.pixels
            encoder.write_frame(np.concatenate([left, pixels], axis=1))
            encoder.write_audio(samples)


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--face", type=click.Path(exists=True, path_type=Path), default=ROOT / "sample_data" / "hero.png")
@click.option("--fast", is_flag=True, help="Take the drivers' coefficients, and draw nothing.")
@click.option("--evidence", "least", type=float, help="Only clips whose INDEX.tsv says so many per cent, or more.")
@click.option(
    "--aligned", is_flag=True, help="Move clips whose INDEX.tsv says how far their picture is beside the sound."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@click.option("--video", type=click.Path(file_okay=False, path_type=Path), help="Write each clip beside ours there.")
def main(
    folder: Path, face: Path, fast: bool, least: float | None, aligned: bool, as_json: bool, video: Path | None
) -> None:
    """Measures and prints."""
    found = clips(folder, least, aligned=aligned)
    if not found:
        raise click.ClickException(
            f"{folder} holds no clip that can be measured: name a folder with videos of speakers"
        )
    stage = Stage(face) if video is not None or not fast else None
    rows = run(found, asked if fast or stage is None else stage.mouth)
    if as_json:
        named = {clip: {name: asdict(each) for name, each in row.items()} for clip, row in rows.items()}
        print(json.dumps({"clips": named, "mean": {name: asdict(each) for name, each in means(rows).items()}}))
    else:
        print("\n".join(table(rows)))
    if video is not None and stage is not None:
        video.mkdir(parents=True, exist_ok=True)
        for path in found:
            side_by_side(path, stage, next(iter(DRIVERS.values()))(), video / f"{path.stem}.mp4")


if __name__ == "__main__":
    main()
