"""A result as tables for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from txt2vid.bench.bitrate import Clip
from txt2vid.bench.bitrate import Result as BitrateResult
from txt2vid.bench.latency import Latency
from txt2vid.bench.live import Result
from txt2vid.bench.load import Load
from txt2vid.bench.marks import AvOffset
from txt2vid.bench.soak import Soak
from txt2vid.bench.spread import Spread
from txt2vid.bench.stt import Result as EarResult
from txt2vid.bench.wav2lip import Result as NetworkResult


def render(result: Result) -> RenderableType:
    """All that was measured."""
    return Group(*_parts(result))


def _parts(result: Result) -> Iterator[RenderableType]:
    asked, machine = result.options, result.machine
    yield Text(
        f"{asked['size']} pixels, {asked['fps']:g} fps, {asked['codec']}, {asked['container']}; "
        f"{machine['cores']} cores, {machine['system']}, Python {machine['python']}, ffmpeg {machine['ffmpeg']}"
    )
    if result.first_frame or result.latency or result.interruption:
        yield _delays(result)
    if result.latency:
        yield _offsets(
            {
                "whole run": result.latency.av_offset,
                "first quarter": result.latency.first_quarter,
                "last quarter": result.latency.last_quarter,
            }
        )
        yield Text(f"drift {result.latency.drift:+g} ± {result.latency.drift_slack:g} ms")
        yield _stages(result.latency)
    if result.load:
        yield _loads(result.load)
        yield Text(f"most sessions without a late frame: {result.most_sessions}")
    if result.soak:
        yield from _soak(result.soak)


def render_network(result: NetworkResult) -> RenderableType:
    """All that was measured of the network."""
    machine = result.machine
    speeds = _table("batch", "way", "fps", "least", "most", "x published", "PSNR dB", title="Frames a second")
    for each in result.speeds:
        row = (each.fps.median, each.fps.least, each.fps.most, each.ratio.median, each.psnr)
        speeds.add_row(str(each.batch), each.name, *(f"{number:g}" for number in row))
    loads = _table("sessions", "frames", "late", "left out", "batch ms", "p95", "size", "lateness p95 ms",
                   title=f"Sessions at 25 frames a second; most: {result.most_sessions}")  # fmt: skip
    for load in result.loads:
        numbers = (load.batch_ms.median, load.batch_ms.p95, load.batch_size.mean, load.lateness_ms.p95)
        loads.add_row(*map(str, (load.sessions, load.frames, load.late, load.left_out)), *(f"{n:g}" for n in numbers))
    gpu = "" if result.gpu_mib is None else f", {result.gpu_mib:.0f} MiB of the GPU's"
    return Group(
        Text(f"{machine['device']}; {machine['cores']} cores, {machine['system']}; weights: {result.weights}"),
        speeds,
        loads,
        Text(f"peak memory {result.peak_mib:g} MiB{gpu}; grown by {result.growth_mib:g} MiB over the last load"),
    )


def render_bitrate(result: BitrateResult) -> RenderableType:
    """All ways to send each clip."""
    return Group(*(_rates(clip) for clip in result.clips))


def _rates(clip: Clip) -> Table:
    title = f"{clip.name}: {clip.seconds:.1f} s, {clip.words} words, {clip.characters} characters"
    table = _table("sent as", "bit/s", "on the wire", "x text", title=title)
    for rate in clip.rates:
        wire = "" if rate.wire is None else f"{rate.wire:.0f}"
        table.add_row(rate.name, f"{rate.payload:.0f}", wire, f"{rate.payload / clip.text.payload:.0f}")
    return table


def render_ear(result: EarResult) -> RenderableType:
    """All that was measured of an ear, and what it understood."""
    table = _table("sound", "s", "x real time", "cores", "sentences", "text after ms", "words", "wrong", "WER %",
                   title="What was understood")  # fmt: skip
    for each in result.heard:
        wait = f"{1000 * max(each.waits):.0f}" if each.waits else ""
        rates = (f"{each.seconds:.1f}", f"{each.seconds / each.wall:.1f}", f"{each.cpu / each.seconds:.2f}")
        wrong = ("", "", "") if each.error is None else (str(each.of), str(each.wrong), f"{100 * each.error:.0f}")
        table.add_row(each.name, *rates, str(len(each.waits)), wait, *wrong)
    known = "no text beside any sound" if result.error is None else f"word error rate {100 * result.error:.0f} %"
    return Group(
        Text(f"{result.ear}, model: {result.model}, loaded in {result.load:.1f} s"),
        table,
        *(Text(f"{each.name}: {each.text or '(nothing)'}") for each in result.heard),
        Text(f"{known}. Cores: in real time. Text after: the longest wait for a sentence, beyond the pause of 0.5 s"),
    )


def _delays(result: Result) -> Table:
    table = _table("", "n", "median", "p95", "max", "mean", title="Delays")
    first = result.first_frame
    if first and first.server is not None:
        table.add_row("server started to first picture, s", "1", *[f"{first.server:g}"] * 3, "")
    if first:
        _row(table, "viewer connected to first picture, s", first.viewers)
    if result.latency:
        _row(table, "microphone to sound, ms", result.latency.sound)
        _row(table, "microphone to picture, ms", result.latency.picture)
    if result.interruption:
        _row(table, "interrupt to silence, ms", result.interruption.sound)
        _row(table, "interrupt to still picture, ms", result.interruption.picture)
    return table


def _row(table: Table, name: str, numbers: Spread) -> None:
    shown = (numbers.median, numbers.p95, numbers.most, numbers.mean)
    table.add_row(name, str(numbers.count), *(f"{number:g}" for number in shown))


def _offsets(offsets: dict[str, AvOffset]) -> Table:
    table = _table(
        "",
        "marks",
        "agreeing",
        "offset",
        "mean",
        "error",
        "min",
        "max",
        title="A/V offset, ms (+: the picture is behind the sound)",
    )
    for name, each in offsets.items():
        numbers = (each.each.mean, each.each.error, each.each.least, each.each.most)
        best = f"{each.best:+g} ± {each.slack:g}"
        table.add_row(name, str(each.each.count), str(each.agreeing), best, *(f"{number:+g}" for number in numbers))
    table.caption = "min and max of single marks: the frames' grid alone makes ± half a frame"
    return table


def _stages(latency: Latency) -> Table:
    table = _table("", "ms", "", title="Where the sound's latency goes (means)")
    for stage in latency.stages:
        table.add_row(stage.name, f"{stage.milliseconds:.1f}", stage.how)
    table.add_row("sum", f"{latency.sound.mean:.1f}", "measured")
    said = latency.reported
    table.caption = f"{said.drawn} frames drawn, {said.late} late, {said.dropped} dropped"
    return table


def _loads(loads: list[Load]) -> Table:
    kinds = list(loads[0].cpu)
    table = _table(
        "sessions",
        "drawn",
        "late",
        "dropped",
        "fps",
        "playout ms",
        "Mbit/s",
        *kinds,
        "bench",
        title="Load (CPU in cores)",
    )
    for each in loads:
        counts = (each.sessions, each.drawn, each.late, each.dropped)
        measures = (each.fps, each.playout, each.megabits, *(each.cpu.get(kind, 0.0) for kind in kinds), each.own)
        table.add_row(*map(str, counts), *(f"{number:g}" for number in measures))
    return table


def _soak(soak: Soak) -> Iterator[RenderableType]:
    yield Text(
        f"{soak.seconds / 60:g} minutes, {soak.senders} senders and {soak.viewers} viewers came and went, "
        f"{soak.refused} had to try again"
    )
    yield _offsets({f"quarter {number}": each for number, each in enumerate(soak.av_offset, 1)})
    table = _table("", "start", "end", "growth in the 2nd half", "", title="Soak")
    for each in soak.verdicts:
        table.add_row(
            each.what,
            f"{each.start:g}",
            f"{each.end:g}",
            f"{each.growth:+g}",
            "steady" if each.steady else "NOT steady",
        )
    yield table


def _table(*columns: str, title: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 or not column else "right")
    return table
