"""`txt2vid score`: how well lips and sound of any video belong together."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from txt2vid.cli.progress import Bar
from txt2vid.errors import UsageError

if TYPE_CHECKING:
    from txt2vid.score.result import Score
    from txt2vid.score.score import Measured

FILE = click.Path(path_type=Path)
WIDTH = 120  # columns of tables in a pipe
_HELP = """Measure VIDEO: whether its lips move with its sound, and how steady its face is.

\b
txt2vid score hello.mp4
txt2vid score hello.mp4 --reference recording.mp4 --plot hello.png
txt2vid score hello.mp4 --json

An offset of +40 ms is a picture that comes 40 ms after its sound, -40 ms one that comes before it. Recordings of people
speaking measure within about ±50 ms.
"""


@click.command(name="score", help=_HELP)
@click.argument("video", type=FILE)
@click.option("--reference", type=FILE, metavar="REAL.mp4", help="A recording of the same words to compare with.")
@click.option("--plot", type=FILE, metavar="OUT.png", help="Draw the curves of the mouth under the waveform.")
@click.option("--syncnet", type=FILE, metavar="FILE", help="SyncNet's weights (syncnet_v2.model): LSE-C and LSE-D too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and no table.")
def command(video: Path, reference: Path | None, plot: Path | None, syncnet: Path | None, as_json: bool) -> int:
    """Measure, and print a table or JSON. Returns 0."""
    _check_plot(plot, [each for each in (video, reference, syncnet) if each is not None])
    from txt2vid.score import score as scoring  # numpy, mediapipe: not for a mistyped option

    expert = None
    if syncnet is not None:
        from txt2vid.score.expert import load

        expert = load(syncnet)
    measured = _measure(video)
    compared = None if reference is None else _measure(reference)
    result = scoring.score(measured, compared)
    if expert is not None:
        with Bar("frames", f"SyncNet {video.name}") as bar:
            result = result.with_expert(expert.judge(video, bar.update if bar.visible else None))
    if plot is not None:
        from txt2vid.score.plot import draw

        draw(plot, measured, result, compared)
    if as_json:
        click.echo(result.json())
    else:
        _print(result)
    return 0


def _check_plot(plot: Path | None, inputs: list[Path]) -> None:
    if plot is None:
        return
    if not plot.absolute().parent.is_dir():
        raise UsageError(f"the folder of {plot} does not exist: make it, or choose another --plot")
    if any(os.path.realpath(plot) == os.path.realpath(each) for each in inputs):
        raise UsageError(f"{plot} is an input and would be overwritten: choose another --plot")


def _measure(path: Path) -> Measured:
    from txt2vid.score.score import measure

    with Bar("frames", path.name) as bar:
        return measure(path, bar.update if bar.visible else None)


def _print(result: Score) -> None:
    from rich.console import Console

    from txt2vid.score.report import render

    Console(width=None if sys.stdout.isatty() else WIDTH).print(render(result), markup=False)
