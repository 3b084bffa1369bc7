"""`txt2vid mesh`: faces as 478 points in 3D, out of a picture, a video or a webcam."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from txt2vid.cli.progress import Bar
from txt2vid.core.options import TrackingOptions
from txt2vid.errors import UsageError

if TYPE_CHECKING:
    from txt2vid.pipeline.mesh import MeshResult, Person

FILE = click.Path(path_type=Path)
_DIGITS = 4  # of numbers in JSON
_HELP = """Find the faces in INPUT, a picture, a video or a webcam (/dev/video0, or "camera"), and follow them.

\b
txt2vid mesh me.jpg -o mesh.png
txt2vid mesh talk.mp4 -o mesh.mp4 --points points.jsonl --max-faces 3
txt2vid mesh me.jpg --obj head.glb
txt2vid mesh talk.mp4 --motion talk.csv
txt2vid mesh /dev/video0 --seconds 10 -o me.mp4

Without an output, it says who is seen when and where. Coordinates are pixels of the upright picture, x to the right, y
down, z in the same unit and smaller towards the camera. Ids are from 0; a face that comes back gets its own.
docs/mesh.md describes the files.
"""


@click.command(name="mesh", help=_HELP)
@click.argument("source", metavar="INPUT")
@click.option("-o", "--output", type=FILE, metavar="OUT.mp4|png", help="The picture or video with the meshes drawn in.")
@click.option("--points", type=FILE, metavar="OUT.jsonl|csv|npz", help="All landmarks of all faces in all frames.")
@click.option(
    "--obj",
    "--gltf",
    "solids",
    type=FILE,
    multiple=True,
    metavar="OUT.obj|gltf|glb",
    help="A face's 3D mesh, textured.",
)
@click.option("--motion", type=FILE, metavar="OUT.csv", help="A face's motion, in the layout of Live Link Face.")
@click.option(
    "--face", type=click.IntRange(min=0), default=0, metavar="ID", help="Whose --obj and --motion. [default: 0]"
)
@click.option("--max-faces", type=int, default=1, metavar="N", help="At most so many at once. [default: 1]")
@click.option(
    "--min-detection-confidence", type=float, default=0.5, metavar="P", help="Of the detector, 0 to 1. [default: 0.5]"
)
@click.option(
    "--min-tracking-confidence", type=float, default=0.5, metavar="P", help="A face below it is lost. [default: 0.5]"
)
@click.option("--seconds", type=float, metavar="N", help="Stop after so much of a video or webcam.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def command(source: str, *, as_json: bool, **given: Any) -> int:
    """Follow faces, and write what is asked for. Returns 0."""
    tracking = TrackingOptions(given["max_faces"], given["min_detection_confidence"], given["min_tracking_confidence"])
    seconds = given["seconds"]
    if seconds is not None and not 0 < seconds < float("inf"):
        raise UsageError(f"{seconds:g} seconds is no length: write, for instance, --seconds 10")
    from txt2vid.ffmpeg.camera import camera_of
    from txt2vid.pipeline.mesh import MeshOptions, mesh  # cv2, mediapipe: not for a mistyped option

    options = MeshOptions(
        source, tracking, given["output"], given["points"], given["solids"], given["motion"], given["face"],
        None if seconds is None else Fraction(seconds).limit_denominator(90_000),
    )  # fmt: skip
    endless = camera_of(source) is not None
    with Bar("frames", Path(source).name) as bar, _ending(by_ctrl_c=endless) as stop:
        result = mesh(options, bar.update if bar.visible else None, stop)
    if as_json:
        click.echo(json.dumps(_told(result), ensure_ascii=False))
    elif bar.visible or not result.files:
        for person in result.faces:
            click.echo(_line(person, result), err=bool(result.files))
    return 0


@contextmanager
def _ending(*, by_ctrl_c: bool) -> Iterator[Callable[[], bool]]:
    """Tells whether Ctrl-C was pressed, where that is how all ends and does not break it off; twice, it does."""
    pressed = False
    before = signal.getsignal(signal.SIGINT)

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(number, before)
        del frame

    if before is signal.SIG_IGN or not by_ctrl_c:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _told(result: MeshResult) -> dict[str, Any]:
    faces = [
        {
            "id": person.id,
            "frames": person.frames,
            "first": round(person.first, _DIGITS),
            "last": round(person.last, _DIGITS),
            "confidence": round(person.confidence, _DIGITS),
            "box": person.box,
            **{name: round(angle, 1) for name, angle in zip(("yaw", "pitch", "roll"), person.angles, strict=True)},
        }
        for person in result.faces
    ]
    numbers = {
        "seconds": round(result.seconds, _DIGITS),
        "tracking": round(result.tracking, _DIGITS),
        "elapsed": round(result.elapsed, _DIGITS),
        "faces_per_second": round(result.faces_per_second, 1),
    }
    return {**asdict(result), **numbers, "faces": faces, "files": [str(path) for path in result.files]}


def _line(person: Person, result: MeshResult) -> str:
    x, y, width, height = person.box
    yaw, pitch, roll = person.angles
    seen = f"{width}x{height} pixels at {x},{y}, yaw {yaw:.0f}°, pitch {pitch:.0f}°, roll {roll:.0f}°"
    if result.kind == "picture":
        return f"face {person.id}: {seen}, confidence {person.confidence:.2f}"
    when = f"{person.first:.2f} to {person.last:.2f} s, in {person.frames} of {result.frames} frames"
    return f"face {person.id}: {when}, confidence {person.confidence:.2f}; at its clearest {seen}"
