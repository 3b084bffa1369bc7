"""How well heroes follow people: drives every face by every video of a folder, and measures the output again.

    python benchmarks/driving.py FOLDER --face hero.png --face photo.jpg [--seconds 6] [--json out.json]

Correlations are Pearson's, of the person's curve and the hero's, each as the face mesh measures it on its own video. A
curve that hardly moves in a clip (txt2vid.score.likeness.MOVES) is mostly the mesh's own noise: it is shown in brackets
and left out of the mean. All frames of all clips are also correlated at once, each clip about its own mean. Identity is
how far the hero's proportions at rest, recovered from the output, are from those of its picture; bones are all but the
mouth's width, which is not at rest where the person smiles or purses their lips in every frame of a clip.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from txt2vid.core.options import DriveOptions, FaceOptions
from txt2vid.errors import Txt2VidError
from txt2vid.faces.prepare import prepare_face
from txt2vid.pipeline.drive import drive
from txt2vid.score.likeness import LEAST, MOVES, Moves, at_rest, followed, likeness, moves_of

SIZE = 512
SAME = 0.03  # of a proportion: what is aimed at
VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--face", type=Path, action="append", required=True)
    parser.add_argument("--seconds", type=float, help="of each clip; all of it by default")
    parser.add_argument("--json", type=Path, help="write all numbers there")
    given = parser.parse_args()
    clips = sorted(path for path in given.folder.iterdir() if path.suffix in VIDEOS)
    with tempfile.TemporaryDirectory() as name:
        rows = measured(clips, given.face, given.seconds, Path(name))
    if given.json is not None:
        given.json.write_text(json.dumps([{k: v for k, v in row.items() if k != "pairs"} for row in rows], indent=1))
    summary(rows)


def measured(clips: Sequence[Path], faces: Sequence[Path], seconds: float | None, folder: Path) -> list[dict]:
    """One row for each clip and face."""
    print(f"{'clip':34}{'face':18}{'gap':>9}{'blink':>9}{'yaw':>9}{'identity':>10}{'bones':>8}{'x real time':>13}")
    rows = []
    for clip in clips:
        video = cut(clip, seconds, folder) if seconds is not None else clip
        person = moves_of(video)
        for face in faces:
            row = one(clip, video, person, face, folder)
            rows += [row] if row is not None else []
    return rows


def cut(clip: Path, seconds: float, folder: Path) -> Path:
    """The beginning of a clip."""
    out = folder / f"{clip.stem}.mp4"
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(clip), "-t", str(seconds), "-crf", "12", "-preset", "ultrafast"]
    subprocess.run([*command, "-vsync", "vfr", str(out)], check=True)
    return out


def one(clip: Path, video: Path, person: Moves, face: Path, folder: Path) -> dict | None:
    """Drives one face by one clip; None, and a line that says why, where that fails."""
    options, out = FaceOptions(face, size=SIZE), folder / "out.mp4"
    started, used = time.monotonic(), time.process_time()
    try:
        result = drive(DriveOptions(options, out, video=video))
    except Txt2VidError as err:
        print(f"{clip.stem[:33]:34}{face.stem[:17]:18}{err}", flush=True)
        return None
    wall, cpu = time.monotonic() - started, time.process_time() - used
    hero = moves_of(out)
    shares = at_rest(hero, followed(prepare_face(options).frames.pixels(0)))
    away, bones = float(np.abs(shares).mean()), float(np.abs(shares[:-1]).mean())
    found = likeness(person, hero)
    cells = "".join(cell(*found[name], MOVES[name]) for name in MOVES)
    real = float(result.duration) / wall
    print(f"{clip.stem[:33]:34}{face.stem[:17]:18}{cells}{away:10.1%}{bones:8.1%}{real:13.1f}", flush=True)
    count = min(len(person), len(hero))
    pairs = {name: (person.curves[name][:count], hero.curves[name][:count]) for name in MOVES}
    return {"clip": clip.stem, "face": face.stem, "found": found, "identity": away, "bones": bones, "real": real,
            "cpu": cpu, "frames": result.frames, "pairs": pairs}  # fmt: skip


def cell(correlation: float, deviation: float, least: float) -> str:
    """A correlation, in brackets where the person hardly moves."""
    text = f"{correlation:.3f}" if np.isfinite(correlation) else "-"
    return f"{text if deviation >= least else f'({text})':>9}"


def summary(rows: Sequence[dict]) -> None:
    """Means, and all clips at once."""
    print()
    for name, least in MOVES.items():
        moving = [row["found"][name][0] for row in rows if row["found"][name][1] >= least]
        firsts, seconds = [], []
        for row in rows:
            first, second = row["pairs"][name]
            both = np.isfinite(first) & np.isfinite(second)
            if both.sum() >= LEAST:
                firsts.append(first[both] - first[both].mean())
                seconds.append(second[both] - second[both].mean())
        pooled = np.corrcoef(np.concatenate(firsts), np.concatenate(seconds))[0, 1]
        least_of = f"mean {np.mean(moving):.3f}, least {np.min(moving):.3f} of {len(moving)}" if moving else "-"
        above = sum(value >= 0.9 for value in moving)
        print(f"{name:10}{least_of}, {above} of them >= 0.9; all frames at once {pooled:.3f}")
    for name in ("identity", "bones"):
        away = [row[name] for row in rows]
        within = sum(value <= SAME for value in away)
        print(f"{name:10}mean {np.mean(away):.1%}, most {np.max(away):.1%}, {within} of {len(away)} within {SAME:.0%}")
    frames = sum(row["frames"] for row in rows)
    print(f"speed     median {np.median([row['real'] for row in rows]):.1f} x real time; "
          f"{1000 * sum(row['cpu'] for row in rows) / frames:.1f} ms of our CPU a frame beside ffmpeg's")  # fmt: skip


if __name__ == "__main__":
    main()
