"""A score as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from txt2vid.score.result import Expert, Likeness, Mouth, Reference, Score, Sync

UNKNOWN = "–"
SAME_WORDS = 0.5  # correlation of soundtracks below which they hardly say the same


def render(score: Score) -> RenderableType:
    """All that was measured."""
    rate = f"{score.fps:g} fps{' (variable)' if score.variable_fps else ''}"
    head = f"{score.video}: {score.frames} frames, {rate}, {score.width}x{score.height}, {score.seconds:g} s of picture"
    sound = f"{score.sound_seconds:g} s of sound, {score.speech_seconds:g} s of it speech"
    table = Table("", "", show_header=False)
    for name, value in _rows(score):
        table.add_row(name, value)
    return Group(Text(head), Text(sound), table)


def _rows(score: Score) -> Iterator[tuple[str, str]]:
    yield "sound to lips", _offset(score.sync)
    yield from _fit(score.sync)
    yield from _mouth(score.mouth)
    face, lips = _number(score.jitter.face, ".2f"), _number(score.jitter.lips, ".2f")
    yield "jitter of landmarks", f"face {face}, lips {lips} ‰ of face height"
    turned = f", {score.profiles:.1%} turned too far to measure" if score.profiles else ""
    yield "frames with a face", f"{score.detected:.1%}{turned}"
    if score.reference is not None:
        yield from _reference(score.reference)
    if score.syncnet is not None:
        yield from _expert(score.syncnet)


def _offset(sync: Sync) -> str:
    if sync.offset_ms is None:
        return f"no confident offset: {sync.why}"
    return f"{sync.offset_ms:+.0f} ms (+: picture behind the sound)"


def _fit(sync: Sync) -> Iterator[tuple[str, str]]:
    if sync.correlation is None or sync.best_ms is None:
        return
    zero = _number(sync.correlation_at_zero, ".2f")
    yield "correlation", f"{sync.correlation:.2f} at {sync.best_ms:+.0f} ms, {zero} at 0, median {sync.median:.2f}"
    better = "" if sync.better_than is None else f", better than {sync.better_than:.0%} of other moments"
    yield "against chance", f"{sync.strength:.1f} standard deviations{better}"


def _mouth(mouth: Mouth) -> Iterator[tuple[str, str]]:
    yield "gap in speech / face height", _percentiles(mouth.gap_by_height)
    yield "gap in speech / mouth width", _percentiles(mouth.gap_by_width)
    share = "too little silence or speech" if mouth.silence_share is None else f"{mouth.silence_share:.0%} of speech's"
    loud, quiet = _number(mouth.speech_motion, ".3f"), _number(mouth.silence_motion, ".3f")
    yield "motion in silence", f"{share} ({quiet} against {loud} face heights a second)"


def _percentiles(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "too little speech"
    return ", ".join(f"{name} {value:.1%}" for name, value in found.items())


def _reference(reference: Reference) -> Iterator[tuple[str, str]]:
    yield "reference", f"{reference.video}, {reference.seconds:g} s in common"
    yield "  mouth gap", _likeness(reference.gap)
    yield "  mouth width", _likeness(reference.width)
    same = reference.sound.correlation is not None and reference.sound.correlation >= SAME_WORDS
    yield "  soundtracks", _likeness(reference.sound) + ("" if same else ": not the same words?")


def _likeness(found: Likeness) -> str:
    if found.correlation is None or found.lag_ms is None:
        return "nothing to compare"
    return f"correlation {found.correlation:.2f} at {found.lag_ms:+.0f} ms (+: later than the reference)"


def _expert(expert: Expert) -> Iterator[tuple[str, str]]:
    yield "SyncNet", f"weights {expert.weights}, {expert.windows} windows"
    yield "  LSE-D, lower is better", f"{expert.lse_d:.3f}"
    yield "  LSE-C, higher is better", f"{expert.lse_c:.3f}"
    yield "  its offset", f"{expert.offset_ms:+.0f} ms (+: picture behind the sound)"


def _number(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else format(value, form)
