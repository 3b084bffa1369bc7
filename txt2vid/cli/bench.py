"""`txt2vid bench`: how quick, how steady and how good it is on this machine."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from txt2vid.core.clock import parse_fps
from txt2vid.core.options import ENGINE_DEVICES, parse_engine, parse_size
from txt2vid.errors import DependencyError, OutputError, UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from txt2vid.bench.target import Options

FILE = click.Path(path_type=Path)
SAMPLE = Path("sample_data/hero.png")  # where the project's own folder is the current one
SAMPLE_TEXT, SAMPLE_SIZE = Path("sample_data/hello.txt"), 512
MOST_SESSIONS = 256
MOST_LIVE = 4096  # of the network's own load
EXIT_NOT_STEADY = 1
WIDTH = 120  # columns of tables in a pipe
_HELP = """Measure the live path with real processes: from a microphone to a viewer, and how many fit.

\b
txt2vid bench live
txt2vid bench live --face me.jpg --sessions 1,8 --seconds 30 -o result.json
txt2vid bench live --soak 10
txt2vid serve --face me.jpg --mark & txt2vid bench live --url http://127.0.0.1:8080 --sessions 1

Best with nothing else running.
"""


@click.group(name="bench")
def command() -> None:
    """Measure how quick and how steady txt2vid is on this machine."""


@command.command(name="live", help=_HELP)
@click.option("--face", type=FILE, metavar="FACE", help=f"A picture or a video. [default: {SAMPLE}]")
@click.option("--size", default="512", show_default=True, metavar="N", help="Pixels of the longer side.")
@click.option("--fps", default="25", show_default=True, metavar="N", help="Frames a second.")
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(4, 3600), help="Of marks.")
@click.option("--sessions", default="1,4,8,12,16", show_default=True, metavar="N,N,…", help="Counts for the load.")
@click.option("--codec", default="opus", show_default=True, type=click.Choice(["opus", "pcm"]), help="On the wire.")
@click.option("--container", default="ts", show_default=True, type=click.Choice(["ts", "mp4"]), help="That is watched.")
@click.option("--url", metavar="URL", help="Measure a server that runs already, started with serve --mark.")
@click.option("--ca", type=FILE, metavar="FILE", help="Of an https:// URL: its certificate, by serve --tls-save.")
@click.option("--soak", type=click.FloatRange(0.2, 10_000), metavar="MINUTES", help="Only this: does anything grow?")
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Write the result as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and no table.")
def live(
    face: Path | None,
    size: str,
    fps: str,
    seconds: float,
    sessions: str,
    codec: str,
    container: str,
    url: str | None,
    ca: Path | None,
    soak: float | None,
    output: Path | None,
    as_json: bool,
) -> int:
    """Measure, and print tables or JSON. Returns 1 where a soak found something that grows, else 0."""
    counts = _counts(sessions)
    pixels, rate = parse_size(size), parse_fps(fps)
    if face is None and url is None and not SAMPLE.exists():
        raise UsageError("there is no sample face here: add --face with a picture, for instance --face me.jpg")
    _writable(output)
    from txt2vid.bench.target import Options  # numpy, av, websockets: not for a mistyped option

    return _measure(
        Options(face or SAMPLE, pixels, rate, seconds, counts, codec, container, url, ca), soak, output, as_json=as_json
    )


def _counts(text: str, what: str = "sessions", most: int = MOST_SESSIONS) -> tuple[int, ...]:
    """Numbers of something, rising. Raises UsageError where they are none."""
    try:
        counts = tuple(sorted({int(word) for word in text.split(",") if word.strip()}))
    except ValueError as err:
        raise UsageError(f"{what} {text!r} are no numbers: write, for instance, 1,4,8") from err
    if any(not 1 <= count <= most for count in counts):
        raise UsageError(f"{what} {text!r} are out of range: write 1 to {most}, for instance 1,4,8")
    return counts


def _writable(output: Path | None) -> None:
    if output is not None and not output.absolute().parent.is_dir():
        raise UsageError(f"the folder of {output} does not exist: make it, or choose another -o")


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        click.echo(line, err=True)


def _hand_over(result: str, output: Path | None, *, as_json: bool) -> int:
    """Writes a result to where it was asked for."""
    if output is not None:
        try:
            output.write_text(result + "\n", encoding="utf-8")
        except OSError as err:
            raise OutputError(f"{output} cannot be written ({err.strerror}): choose another -o") from err
    if as_json:
        click.echo(result)
    return 0


def _print(table: RenderableType) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


def _measure(options: Options, soak: float | None, output: Path | None, *, as_json: bool) -> int:
    from txt2vid.bench import live as bench

    result = bench.measure(options, _tell) if soak is None else bench.measure_soak(options, soak, _tell)
    if not as_json:
        from txt2vid.bench.report import render

        _print(render(result))
    _hand_over(result.json(), output, as_json=as_json)
    return EXIT_NOT_STEADY if result.soak is not None and not result.soak.steady else 0


_NETWORK_HELP = """Measure Wav2Lip's network: frames a second by batch, numbers and cache, beside the published way in
the same run, and for how many live sessions it draws mouths.

\b
txt2vid bench wav2lip
txt2vid bench wav2lip --random --batches 1,16 --device cpu
txt2vid bench wav2lip --checkpoint wav2lip.pth --sessions 50,100,200,300 -o result.json

Without weights here, seeded random ones are measured: as quick, but of no use to the eye.
"""


@command.command(name="wav2lip", help=_NETWORK_HELP)
@click.option("--checkpoint", type=FILE, metavar="PATH", help="Weights. [default: those that lie where weights do]")
@click.option("--random", is_flag=True, help="Seeded random weights, even where there are others.")
@click.option("--device", default="auto", show_default=True, metavar="NAME", help=f"{', '.join(ENGINE_DEVICES)}.")
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Of a CPU. [default: the cores]")
@click.option("--batches", default="1,16,128", show_default=True, metavar="N,N,…", help="Batch sizes.")
@click.option("--sessions", default="1,2,4,8,16,50,100,200,300,400", show_default=True, metavar="N,N,…", help="Loads.")
@click.option("--repeats", default=7, show_default=True, type=click.IntRange(2, 1000), help="Runs; the median counts.")
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(0.5, 10_000), help="Of each load.")
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Write the result as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and no table.")
def wav2lip(
    checkpoint: Path | None,
    random: bool,
    device: str,
    threads: int | None,
    batches: str,
    sessions: str,
    repeats: int,
    seconds: float,
    output: Path | None,
    as_json: bool,
) -> int:
    """Measure, and print tables or JSON. Returns 0."""
    sizes, counts = _counts(batches, "batches"), _counts(sessions, most=MOST_LIVE)
    engine = replace(parse_engine({"device": device}, checkpoint), name="wav2lip", threads=threads)
    _writable(output)
    from txt2vid.bench import wav2lip as bench
    from txt2vid.pipeline.choice import check, lacking
    from txt2vid.weights.place import find

    check(engine)
    if checkpoint is None and not random and find("wav2lip") is None:
        random = True
    lacks = "" if random else lacking(engine)
    if lacks:
        raise DependencyError(f"the network cannot be measured: {lacks}")
    result = bench.measure(bench.Options(engine, random, sizes, counts, repeats, seconds), _tell)
    if not as_json:
        from txt2vid.bench.report import render_network

        _print(render_network(result))
    return _hand_over(result.json(), output, as_json=as_json)


_BITRATE_HELP = """Measure what talking clips cost: as text, as voice (Opus), and as video (H.264 and AV1, two sizes).

\b
txt2vid bench bitrate talk.mp4                     # its words in talk.txt
txt2vid bench bitrate --plot rates.png --video compared talk1.mp4 talk2.mp4

Without clips, the sample face speaks the sample text, which any codec finds easier than a camera's picture.
"""


@command.command(name="bitrate", help=_BITRATE_HELP)
@click.argument("clips", nargs=-1, type=FILE)
@click.option("--plot", type=FILE, metavar="FILE", help="Draw the rates, on a logarithmic axis.")
@click.option("--video", type=FILE, metavar="FOLDER", help="Write each clip's ways beside one another there.")
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Write the result as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and no table.")
def bitrate(clips: tuple[Path, ...], plot: Path | None, video: Path | None, output: Path | None, as_json: bool) -> int:
    """Measure, and print tables or JSON. Returns 0."""
    for path in (plot, output):
        _writable(path)
    texts = [_words_of(clip) for clip in clips]
    if not clips and not (SAMPLE.exists() and SAMPLE_TEXT.exists()):
        raise UsageError("there is no sample here: name a clip with somebody who speaks, its words beside it as .txt")
    with tempfile.TemporaryDirectory(prefix="txt2vid-bench-") as folder:
        if not clips:
            clips, texts = (_sample(Path(folder)),), [SAMPLE_TEXT.read_text(encoding="utf-8")]
        return _bitrates(list(zip(clips, texts, strict=True)), plot, video, output, as_json=as_json)


def _bitrates(
    clips: list[tuple[Path, str]], plot: Path | None, video: Path | None, output: Path | None, *, as_json: bool
) -> int:
    from txt2vid.bench import bitrate as bench

    result = bench.measure(clips, _tell)
    if plot is not None:
        from txt2vid.bench.bitrate_plot import draw

        draw(plot, result)
    if video is not None:
        from txt2vid.bench.bitrate_clips import side_by_side

        try:
            video.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise OutputError(f"{video} cannot be a folder ({err.strerror}): choose another --video") from err
        for (path, _), clip in zip(clips, result.clips, strict=True):
            _tell(f"{path.name}: side by side")
            side_by_side(path, clip, video / f"{path.stem}.mp4")
    if not as_json:
        from txt2vid.bench.report import render_bitrate

        _print(render_bitrate(result))
    return _hand_over(result.json(), output, as_json=as_json)


def _words_of(clip: Path) -> str:
    """What is said in a clip. Raises UsageError where that does not stand beside it."""
    beside = clip.with_suffix(".txt")
    try:
        text = beside.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise UsageError(f"what is said in {clip} is needed: write its words into {beside}") from err
    if not text:
        raise UsageError(f"{beside} is empty: write what is said in {clip} into it")
    return text


def _sample(folder: Path) -> Path:
    """The sample face speaking the sample text."""
    from txt2vid.core.options import FaceOptions, RenderOptions
    from txt2vid.pipeline.render import render

    _tell("rendering the sample")
    made, text = folder / "sample.mp4", SAMPLE_TEXT.read_text(encoding="utf-8")
    render(RenderOptions(FaceOptions(SAMPLE, size=SAMPLE_SIZE), made, text=text, fps=parse_fps("25")))
    return made


_EAR_HELP = """Measure an ear: how many words it gets wrong, how much of a core it takes in real time, how long a
sentence's text takes.

\b
txt2vid bench stt                                  (sample_data/hello.txt, as this machine's voices say it)
txt2vid bench stt me.wav                           (me.txt beside it holds its words, if you have them)
txt2vid bench stt *.wav --stt-backend vosk --stt-model vosk-model-small-en-us-0.15
"""


@command.command(name="stt", help=_EAR_HELP)
@click.argument("files", nargs=-1, type=FILE)
@click.option("--stt-backend", default="pocketsphinx", show_default=True, metavar="NAME", help="Which ear.")
@click.option("--stt-model", type=FILE, metavar="PATH", help="Its model. [default: its own]")
@click.option("--stt-language", metavar="TAG", help='What is spoken, for instance "de-DE".')
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Write the result as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and no table.")
def stt(
    files: tuple[Path, ...],
    stt_backend: str,
    stt_model: Path | None,
    stt_language: str | None,
    output: Path | None,
    as_json: bool,
) -> int:
    """Measure, and print a table and what was understood, or JSON. Returns 0."""
    _writable(output)
    if not files and not SAMPLE_TEXT.exists():
        raise UsageError("there is no sample text here: name sound files, for instance txt2vid bench stt me.wav")
    from txt2vid import registry
    from txt2vid.bench import stt as bench

    make = partial(registry.load("stt", stt_backend), stt_model, stt_language)
    sample = None if files else SAMPLE_TEXT.read_text(encoding="utf-8")
    result = bench.measure(make, list(files), sample, _tell)
    if not as_json:
        from txt2vid.bench.report import render_ear

        _print(render_ear(result))
    return _hand_over(result.json(), output, as_json=as_json)
