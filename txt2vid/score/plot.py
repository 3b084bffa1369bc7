"""The curves of a video as one picture: waveform above, then the gap and the width of the mouth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from txt2vid.errors import OutputError
from txt2vid.score.hearing import GRID
from txt2vid.score.result import Score
from txt2vid.score.score import SPOKEN, Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES_A_SECOND, LEAST_INCHES, MOST_INCHES, HEIGHT = 0.9, 11.0, 48.0, 7.5
DPI = 110
OURS, THEIRS, ASKED, SOUND, SPEECH = "#0b5fa5", "#d1600a", "#8a8a8a", "#555555", "#e9f3e4"
HEADROOM = 0.18  # of a row's height
PERCENT = 100.0  # of the face's height: the curves' unit on paper

Curve = NDArray[np.float64]


def draw(path: Path, measured: Measured, score: Score, reference: Measured | None = None) -> None:
    """Writes the picture; the extension chooses its kind. Raises OutputError where it cannot be written."""
    import matplotlib as mpl  # a second to import: only for those who draw

    mpl.use("Agg")  # draws without a screen
    from matplotlib import pyplot as plt

    seconds = max(len(each.gap) for each in (measured, reference) if each is not None) / GRID
    inches = float(np.clip(INCHES_A_SECOND * seconds, LEAST_INCHES, MOST_INCHES))
    figure, rows = plt.subplots(3, 1, sharex=True, figsize=(inches, HEIGHT), height_ratios=(1, 2, 2),
                                layout="constrained")  # fmt: skip
    try:
        figure.suptitle(_title(score), fontsize=11, ha="left", x=0.01)
        _waveform(rows[0], measured)
        _gaps(rows[1], measured, reference)
        _widths(rows[2], measured, reference)
        rows[2].set_xlim(0, max(seconds, 1 / GRID))
        rows[2].set_xlabel("time, s")
        _save(figure, path)
    finally:
        plt.close(figure)


def _save(figure: Figure, path: Path) -> None:
    try:
        figure.savefig(path, dpi=DPI)
    except OSError as err:
        raise OutputError(f"{path} cannot be written ({err.strerror}): choose another --plot") from err
    except ValueError as err:  # matplotlib's word for an extension that it does not know
        raise OutputError(f"{path} is no kind of picture that can be drawn: give --plot a .png, .svg or .pdf") from err


def _title(score: Score) -> str:
    sync = score.sync
    if sync.offset_ms is not None:
        side = "behind" if sync.offset_ms > 0 else "ahead of"
        told = f"picture {abs(sync.offset_ms):.0f} ms {side} the sound, correlation {sync.correlation:.2f}"
    else:
        told = f"no confident offset: {sync.why}"
    return f"{Path(score.video).name}: {told}"


def _waveform(axes: Axes, measured: Measured) -> None:
    heard = measured.heard
    at = np.arange(len(heard.gap)) / GRID
    axes.fill_between(at, heard.low, heard.high, color=SOUND, linewidth=0)
    _shade(axes, at, heard.speech > SPOKEN)
    limit = max(0.02, float(np.abs(np.concatenate([heard.low, heard.high, [0.0]])).max()) * 1.05)
    axes.set_ylim(-limit, limit)
    axes.set_yticks([])
    axes.set_ylabel("sound")
    axes.legend(loc="upper right", fontsize=8)
    axes.grid(axis="x", alpha=0.3)


def _shade(axes: Axes, at: Curve, spoken: NDArray[np.bool_]) -> None:
    """A light ground where somebody speaks."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], spoken.astype(int), [0]])))
    for number, (start, stop) in enumerate(edges.reshape(-1, 2)):
        label = "speech" if number == 0 else None
        axes.axvspan(at[start], at[stop - 1] + 1 / GRID, color=SPEECH, zorder=0, label=label)
    if not len(edges):
        axes.plot([], [], color=SPEECH, label="no speech heard")


def _gaps(axes: Axes, measured: Measured, reference: Measured | None) -> None:
    gap = PERCENT * measured.gap
    _line(axes, gap, OURS, "this video")
    if reference is not None:
        _line(axes, PERCENT * reference.gap, THEIRS, "reference")
    asked, top = measured.heard.gap, float(np.nanmax(gap)) if np.isfinite(gap).any() else 0.0
    if asked.max(initial=0) > 0 and top > 0:
        _line(axes, asked * (top / asked.max()), ASKED, "what the sound asks for (scaled)", dashed=True)
    axes.set_ylim(bottom=-0.3)
    axes.set_ylabel("inner-lip gap,\n% of face height")
    _finish(axes)


def _widths(axes: Axes, measured: Measured, reference: Measured | None) -> None:
    _line(axes, PERCENT * measured.width, OURS, "this video")
    if reference is not None:
        _line(axes, PERCENT * reference.width, THEIRS, "reference")
    axes.set_ylabel("mouth width,\n% of face height")
    _finish(axes)


def _line(axes: Axes, curve: Curve, colour: str, label: str, *, dashed: bool = False) -> None:
    """One curve; a reference is broad and pale, so that one that is the same can be seen behind."""
    width = 1.0 if dashed else 3.0 if colour == THEIRS else 1.5
    axes.plot(np.arange(len(curve)) / GRID, curve, color=colour, label=label, linewidth=width,
              linestyle="--" if dashed else "-", alpha=0.5 if colour == THEIRS else 1.0,
              zorder=4 if colour == OURS else 3)  # fmt: skip


def _finish(axes: Axes) -> None:
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + HEADROOM * (high - low))  # where the legend lies
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right", fontsize=8, ncols=3)
