"""`txt2vid render`: one video from a face and a voice, or a batch of them from a CSV file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from txt2vid.cli.engine import engine_options, parsed_engine
from txt2vid.cli.progress import Bar
from txt2vid.cli.speaker import speaker_options, voice_options
from txt2vid.core.clock import parse_fps
from txt2vid.core.expressions import GESTURES, MOODS, parse_mood
from txt2vid.core.options import FaceOptions, RenderOptions, parse_box, parse_size, parse_unknown_tags
from txt2vid.errors import MediaError, UsageError
from txt2vid.pipeline.batch import RowResult, render_jobs
from txt2vid.pipeline.jobs import MAX_TEXT, VOICES, decode_text, default_name, read_text
from txt2vid.tts.prosody import MANNERS

FILE = click.Path(path_type=Path)
EXIT_SOME_FAILED = 1
_HELP = """Make a video of FACE speaking.

\b
txt2vid render --face me.jpg --audio hello.wav -o hello.mp4
txt2vid render --face me.jpg --text "Hello, world." -o hello.mp4
echo "Hello" | txt2vid render --face me.jpg --text-file - -o hello.mp4
txt2vid render --face me.jpg --from-motion take.csv --audio take.wav -o take.mp4
txt2vid render --jobs jobs.csv -O out/

The columns of a jobs file: face; one of audio, text, text_file, subtitles; and, where wanted, output, fps, size,
engine, checkpoint, device, dtype, paste, pads, alignment, tts, voice, language, fallback_voice, unknown_tags,
expression, captions, face_index, face_box, landmarks, detector, seed, idle.
Paths start from the folder of the file.
Rows that an earlier run finished are skipped.

Texts may hold tags: [happy] Hello! [happy 0.5] [/happy] [whisper] [pause 300ms] [look left] [nod] [neutral], and SSML's
<break>, <emphasis> and <prosody>. \\[ is a bracket that is said. docs/expressions.md tells more.

\b
Moods:    {moods}
Gestures: {gestures}
Manners:  {manners}, pause
""".format(moods=", ".join(MOODS), gestures=", ".join(GESTURES), manners=", ".join(MANNERS))
_SINGLE = (
    "face",
    "audio",
    "text",
    "text_file",
    "subtitles",
    "from_motion",
    "output",
)  # options that make no sense for a list of jobs


@click.command(name="render", help=_HELP)
@click.option("--face", type=FILE, metavar="FACE", help="A picture or a video with a face.")
@click.option("--audio", type=FILE, metavar="FILE", help="What is said: any file with sound.")
@click.option("--text", metavar="TEXT", help="What is said, as text.")
@click.option("--text-file", type=FILE, metavar="FILE|-", help="What is said, as a text file; - reads stdin.")
@click.option("--subtitles", type=FILE, metavar="FILE", help="What is said, and when: .srt, .vtt.")
@click.option("--from-motion", type=FILE, metavar="FILE.csv", help="What the face does, recorded by Live Link Face.")
@click.option("-o", "--output", type=FILE, metavar="OUT.mp4", help="The video to write. [default: FACE-VOICE.mp4 here]")
@engine_options
@click.option("--fps", metavar="N", help="Frames a second: 25, 29.97, 30000/1001. [default: the video's, or 25]")
@click.option("--size", metavar="N", help="Pixels of the longer side. [default: the face's own]")
@voice_options
@click.option("--expression", metavar="NAME[:STRENGTH]", help="The face's mood: happy, sad:0.5, …")
@click.option("--unknown-tags", metavar="HOW", help="speak, refuse or drop what is no tag. [default: speak]")
@click.option(
    "--captions", is_flag=True, default=None, help="Words for those who read along: in the video, and OUT.vtt."
)
@click.option("--face-index", metavar="N", type=click.IntRange(min=0), help="Which of several faces; 0 is the largest.")
@click.option("--face-box", metavar="X,Y,W,H", help="Where the face is, in pixels, if it is not found.")
@click.option("--landmarks", type=FILE, metavar="FILE", help="The face's 478 landmarks, if they are not found.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Of all that is random. [default: 0]")
@click.option("--idle/--no-idle", default=None, help="Blinks, breath, small head movement. [default: idle]")
@click.option(
    "--jobs", type=FILE, metavar="JOBS.csv", help="Render all rows of a list; other options fill empty cells."
)
@click.option("-O", "--output-dir", type=FILE, metavar="OUTDIR", help="Where the videos of --jobs go.")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes for --jobs. [default: half the cores]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def command(jobs: Path | None, output_dir: Path | None, workers: int | None, as_json: bool, **options: Any) -> int:
    """Make a video, or with --jobs many. Returns the exit code."""
    if jobs is None:
        if output_dir or workers:
            raise UsageError("-O and --workers are for lists: add --jobs JOBS.csv, or write -o OUT.mp4 for one video")
        return _render_one(_render_options(options), as_json=as_json)
    if output_dir is None:
        raise UsageError("a list needs a folder for its videos: add -O OUTDIR")
    for name in _SINGLE:
        if options[name] is not None:
            flag = name.replace("_", "-")
            raise UsageError(
                f"--{flag} is for one video, --jobs for many: leave one out, or make it a column of the list"
            )
    return _render_many(jobs, output_dir, workers, _cells(options), as_json=as_json)


def _render_options(given: dict[str, Any]) -> RenderOptions:
    """What the options ask for. Raises UsageError where they make no sense."""
    face, audio, text_file, subtitles, motion = (
        given[name] for name in ("face", "audio", "text_file", "subtitles", "from_motion")
    )
    if face is None:
        raise UsageError("no face: add --face with a picture or a video, for instance --face sample_data/hero.png")
    voices = [f"--{name.replace('_', '-')}" for name in VOICES if given[name] is not None]
    if not voices and motion is None:
        raise UsageError(
            'a video needs one voice: add one of --audio FILE, --text "…", --text-file FILE, --subtitles FILE'
        )
    if len(voices) > 1:
        raise UsageError(f"{' and '.join(voices)} are more than one voice: leave all but one out")
    output = given["output"] or Path(
        default_name(face, audio or subtitles or motion or (text_file if text_file != Path("-") else None))
    )
    for source in (face, audio, text_file, subtitles, motion, given["landmarks"], given["checkpoint"]):
        if source is not None and os.path.realpath(output) == os.path.realpath(source):
            raise UsageError(f"{output} is an input and would be overwritten: choose another -o")
    return RenderOptions(
        face=FaceOptions(
            face,
            given["face_index"],
            parse_box(given["face_box"]) if given["face_box"] is not None else None,
            given["landmarks"],
            parse_size(given["size"]) if given["size"] is not None else None,
            given["detector"] or "mesh",
        ),
        output=output,
        audio=audio,
        text=_text(text_file) if text_file else given["text"],
        subtitles=subtitles,
        engine=parsed_engine(given),
        fps=parse_fps(given["fps"]) if given["fps"] is not None else None,
        speaker=speaker_options(given),
        unknown_tags=parse_unknown_tags(given["unknown_tags"] or "speak"),
        expression=parse_mood(given["expression"]) if given["expression"] is not None else None,
        captions=bool(given["captions"]),
        idle=motion is None if given["idle"] is None else given["idle"],  # who is recorded blinks and breathes
        seed=given["seed"] or 0,
        motion=motion,
    )


def _text(path: Path) -> str:
    if path != Path("-"):
        return read_text(path)
    if sys.stdin is None:
        raise MediaError("stdin is closed: pipe a text into it, or give --text-file a file")
    return decode_text(sys.stdin.buffer.read(MAX_TEXT + 1), "from stdin")


def _cells(given: dict[str, Any]) -> dict[str, str]:
    """Options as cells for where a row's own are empty; paths start from here, not from the list's folder."""
    cells = {}
    for name, value in given.items():
        if value is not None:
            text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
            cells[name] = str(value.absolute()) if isinstance(value, Path) else text
    return cells


def _render_one(options: RenderOptions, *, as_json: bool) -> int:
    from txt2vid.pipeline.render import render  # numpy and more: not for a mistyped option

    with Bar("frames", options.output.name) as bar:
        result = render(options, progress=bar.update if bar.visible else None)
    if as_json:
        exact = f"{result.fps.numerator}/{result.fps.denominator}"
        numbers = {
            "fps": float(result.fps),
            "fps_exact": exact,
            "duration": float(result.duration),
            "elapsed": round(result.elapsed, 3),
        }
        _print_json({**asdict(result), **numbers, "output": str(result.output)})
    elif bar.visible:
        why = f" ({result.engine_why})" if result.engine_why else ""
        told = f"{float(result.duration):.1f} s of video in {result.elapsed:.1f} s"
        click.echo(f"{result.output}: {told}, drawn by {result.engine}{why}", err=True)
    return 0


def _render_many(jobs: Path, folder: Path, workers: int | None, defaults: dict[str, str], *, as_json: bool) -> int:
    with Bar("videos", jobs.name) as bar:
        done = 0

        def report(result: RowResult, total: int) -> None:
            nonlocal done
            done += 1
            bar.update(done, total)
            if result.error:
                bar.say(f"txt2vid: row {result.number}: {result.error}")

        results = render_jobs(jobs, folder, defaults=defaults, workers=workers, report=report)
    counts = {state: sum(result.state == state for result in results) for state in ("done", "skipped", "failed")}
    if as_json:
        _print_json({**counts, "rows": [_row(result) for result in results]})
    if counts["failed"] or bar.visible:
        click.echo(f"txt2vid: {counts['done']} done, {counts['skipped']} skipped, {counts['failed']} failed", err=True)
    return EXIT_SOME_FAILED if counts["failed"] else 0


def _row(result: RowResult) -> dict[str, Any]:
    fields = asdict(result)
    return {"row": fields.pop("number"), **fields, "output": str(result.output)}


def _print_json(value: dict[str, Any] | Sequence[Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))
