"""The rates of clips as one picture, on a logarithmic axis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from txt2vid.bench.bitrate import STUDY_TEXT, STUDY_VIDEO, Result
from txt2vid.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI, INCHES_A_ROW, WIDTH = 110, 0.24, 11.0
COLOURS = {"text": "#0b5fa5", "voice": "#2c8a4b", "video": "#d1600a"}
STUDY = "#d9d9d9"


def draw(path: Path, result: Result) -> None:
    """Writes the picture; the extension chooses its kind. Raises OutputError where it cannot be written."""
    import matplotlib as mpl  # a second to import: only for those who draw

    mpl.use("Agg")  # draws without a screen
    from matplotlib import pyplot as plt

    rows = sum(len(clip.rates) for clip in result.clips)
    figure, axes = plt.subplots(
        len(result.clips), 1, sharex=True, squeeze=False, layout="constrained",
        figsize=(WIDTH, 1.2 * len(result.clips) + INCHES_A_ROW * rows),
    )  # fmt: skip
    try:
        for index, place in enumerate(axes[:, 0]):
            _clip(place, result, index)
        axes[-1, 0].set_xlabel("bits a second; hollow: on the wire with all headers; grey: as published (2021)")
        figure.savefig(path, dpi=DPI)
    except OSError as err:
        raise OutputError(f"{path} cannot be written ({err.strerror}): choose another --plot") from err
    except ValueError as err:  # matplotlib's word for an extension that it does not know
        raise OutputError(f"{path} is no kind of picture that can be drawn: give --plot a .png, .svg or .pdf") from err
    finally:
        plt.close(figure)


def _clip(axes: Axes, result: Result, index: int) -> None:
    clip = result.clips[index]
    for low, high in (STUDY_TEXT, STUDY_VIDEO):
        axes.axvspan(low, high, color=STUDY, zorder=0, linewidth=0)
    for row, rate in enumerate(clip.rates):
        colour = COLOURS[rate.kind]
        axes.plot(rate.payload, row, "o", color=colour, markersize=6)
        axes.annotate(_number(rate.payload), (rate.payload, row), (8, -4), textcoords="offset points", fontsize=8)
        if rate.wire is not None:
            axes.plot(rate.wire, row, "o", color=colour, markersize=6, fillstyle="none")
    axes.set_xscale("log")
    axes.set_xlim(10, 2 * max(rate.wire or rate.payload for clip in result.clips for rate in clip.rates))
    axes.set_yticks(range(len(clip.rates)), [rate.name for rate in clip.rates], fontsize=8)
    axes.set_ylim(len(clip.rates) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.4)
    axes.set_title(f"{clip.name}: {clip.seconds:.1f} s, {clip.words} words", fontsize=10, loc="left")


def _number(bits: float) -> str:
    return f"{bits:.0f}" if bits < 1000 else f"{bits / 1000:.1f} k"
