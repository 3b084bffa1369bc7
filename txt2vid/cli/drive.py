"""`txt2vid drive`: a picture is moved by another person's face, of a video or an image."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from txt2vid.cli.progress import Bar
from txt2vid.core.clock import parse_fps
from txt2vid.core.options import MOST_POSE, DriveOptions, FaceOptions, parse_box, parse_size
from txt2vid.errors import UsageError

FILE = click.Path(path_type=Path)
_INPUTS = ("face", "video", "image", "neutral", "audio", "landmarks")
_HELP = """Make the face of a picture do what another person's face does.

\b
txt2vid drive --face hero.png --video person.mp4 -o out.mp4
txt2vid drive --face hero.png --video person.mp4 --audio speech.wav -o out.mp4
txt2vid drive --face hero.png --image expression.jpg -o out.png
txt2vid drive --webcam 0 --mic                  (live, to a server that runs `txt2vid serve`; no picture is sent)
txt2vid drive --video person.mp4 --live ws://127.0.0.1:8080/speak

The hero keeps its own proportions; the person gives expression, gaze, blinks and the head's movement. How the person
looks at rest is found by itself. docs/driving.md tells more.
"""


@click.command(name="drive", help=_HELP)
@click.argument("url", required=False)
@click.option("--face", type=FILE, metavar="FACE", help="The hero: a picture with a face.")
@click.option("--video", type=FILE, metavar="FILE", help="Who drives: a video of a face.")
@click.option("--image", type=FILE, metavar="FILE", help="Who drives: a picture of one expression.")
@click.option("--webcam", metavar="DEVICE", help="Who drives, live: a camera, as 0 or /dev/video0.")
@click.option("--live", metavar="URL", help="Drive a server's session with --video, in real time.")
@click.option("--mic", is_flag=True, default=None, help="Live: what a microphone hears is said meanwhile.")
@click.option("--device", metavar="N|NAME", help="Live: which microphone, as `txt2vid devices` lists them.")
@click.option("--session", metavar="NAME", help="Live: which session. [default: the server's first]")
@click.option("--token", metavar="T", envvar="TXT2VID_TOKEN", help="Live: the server's token.")
@click.option("--token-file", type=FILE, metavar="FILE", help="Live: a file that holds the token.")
@click.option("--ca", metavar="FILE|SHA256", help="Live, of wss://: trust this certificate, too.")
@click.option("-o", "--output", type=FILE, metavar="OUT.mp4", help="What to write; of --image a picture, too.")
@click.option("--audio", type=FILE, metavar="FILE", help="Speech that moves the mouth, and is heard.")
@click.option("--sound/--no-sound", default=True, help="Keep the driving video's sound. [default: sound]")
@click.option(
    "--pose",
    type=float,
    default=1.0,
    metavar="STRENGTH",
    help=f"Of the head's moves, 0 to {MOST_POSE:g}. [default: 1]",
)
@click.option("--neutral", type=FILE, metavar="FILE", help="A picture of who drives, at rest. [default: found]")
@click.option("--person", type=click.IntRange(min=0), default=0, metavar="N", help="Who drives; 0 is the largest face.")
@click.option("--fps", metavar="N", help="Frames a second. [default: the driving video's, or 25]")
@click.option("--size", metavar="N", help="Pixels of the longer side. [default: the face's own]")
@click.option("--seconds", type=float, default=5.0, metavar="N", help="How long --image is held. [default: 5]")
@click.option("--face-index", metavar="N", type=click.IntRange(min=0), help="Which face is the hero; 0 is the largest.")
@click.option("--face-box", metavar="X,Y,W,H", help="Where the hero's face is, in pixels, if it is not found.")
@click.option("--landmarks", type=FILE, metavar="FILE", help="The hero's 478 landmarks, if they are not found.")
@click.option("--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Of all that is random. [default: 0]")
@click.option("--idle/--no-idle", default=True, help="Life of its own where nobody is seen. [default: idle]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def command(as_json: bool, **given: Any) -> int:
    """Make a video, or of an image a picture; or drive a session. Returns the exit code."""
    if given["webcam"] is not None or given["live"] is not None:
        from txt2vid.cli.driving import drive_live

        return drive_live(given, as_json=as_json)
    for name in ("url", *_LIVE):
        if given[name] is not None:
            raise UsageError("a server is driven live: add --webcam DEVICE, or --video FILE and --live URL")
    options = _options(given)
    from txt2vid.pipeline.drive import drive  # numpy and more: not for a mistyped option

    with Bar("frames", options.output.name) as bar:
        result = drive(options, progress=bar.update if bar.visible else None)
    if as_json:
        numbers = {
            "fps": float(result.fps),
            "duration": float(result.duration),
            "elapsed": round(result.elapsed, 3),
            "output": str(result.output),
        }
        click.echo(json.dumps({**asdict(result), **numbers}, ensure_ascii=False))
    elif bar.visible and result.duration:
        told = f"{float(result.duration):.1f} s of video in {result.elapsed:.1f} s"
        click.echo(f"{result.output}: {told}, a face in {result.seen} of {result.frames} frames", err=True)
    return 0


def _options(given: dict[str, Any]) -> DriveOptions:
    """What the options ask for. Raises UsageError where they make no sense."""
    if given["face"] is None:
        raise UsageError("no face: add --face with a picture of the hero, for instance --face sample_data/hero.png")
    driving = given["video"] or given["image"]
    if driving is None or (given["video"] and given["image"]):
        raise UsageError("one face drives: add --video FILE with a person's video, or --image FILE with one expression")
    output = given["output"] or Path(f"{given['face'].stem}-{driving.stem}.mp4")
    for name in _INPUTS:
        if given[name] is not None and os.path.realpath(output) == os.path.realpath(given[name]):
            raise UsageError(f"{output} is an input and would be overwritten: choose another -o")
    return DriveOptions(
        face=FaceOptions(
            given["face"],
            given["face_index"],
            parse_box(given["face_box"]) if given["face_box"] is not None else None,
            given["landmarks"],
            parse_size(given["size"]) if given["size"] is not None else None,
        ),
        output=output,
        fps=parse_fps(given["fps"]) if given["fps"] is not None else None,
        **{name: given[name] for name in _KEPT},
    )


_LIVE = ("session", "token_file", "ca", "mic", "device")  # options that only a live session has
_KEPT = ("video", "image", "neutral", "person", "audio", "sound", "pose", "seconds", "idle", "seed")
