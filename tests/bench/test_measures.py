"""What is made of what was seen, without a server."""

from __future__ import annotations

import io
import itertools
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from txt2vid.bench import cut, load, soak
from txt2vid.bench.first import FirstFrame
from txt2vid.bench.live import Result
from txt2vid.bench.marks import AvOffset, Seen
from txt2vid.bench.report import render
from txt2vid.bench.spread import spread
from txt2vid.bench.target import Options, Target, serving
from txt2vid.bench.tone import Span, tone
from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.wire import Stats
from txt2vid.errors import Txt2VidError, UsageError
from txt2vid.pipeline.live import CUT_FADE, LOUD
from txt2vid.sender.packets import PACKET


def stats(time: float, drawn: int, late: int = 0, dropped: int = 0, playout: float = 120.0) -> tuple[float, Stats]:
    return 1000 + time, Stats(time, 0.0, playout, 0.0, 1, drawn, late, dropped, 0)


def offset(best: float) -> AvOffset:
    return AvOffset(best, 1.0, 20, spread([best / 1000], 1000), 40.0)


def test_a_cut_waits_for_the_end_after_it() -> None:
    ends = [Seen(0, 10.1), Seen(0, 13.2), Seen(0, 14.0)]
    assert cut.waits([10.0, 13.0, 20.0], ends) == pytest.approx([0.1, 0.2])


def test_the_tones_that_are_cut_leave_time_to_fall_silent() -> None:
    spans = cut.plan(5)
    assert all(
        later.start - span.stop == pytest.approx(1.5 * LISTENING_RATE, abs=1)
        for span, later in itertools.pairwise(spans)
    )
    assert all(2 <= (span.stop - span.start) / LISTENING_RATE <= 2.5 for span in spans)


def test_a_frame_in_which_a_cut_fades_out_is_not_loud() -> None:
    sound = tone(np.arange(1920), Span(-9600, 9600), cut.AMPLITUDE)
    assert np.sqrt(np.mean(sound**2)) > LOUD
    sound[:CUT_FADE] *= np.linspace(1, 0, CUT_FADE, dtype=np.float32)
    sound[CUT_FADE:] = 0
    assert np.sqrt(np.mean(sound**2)) < 0.8 * LOUD


def test_a_load_is_what_happened_within_the_window() -> None:
    one = [stats(0, 5, late=9), stats(1, 25), stats(2, 50), stats(3, 75, playout=140.0), stats(9, 500, late=99)]
    two = [stats(1, 25), stats(3, 65, late=2, dropped=10)]
    found = load.tally([one, two], 1001, 1003)
    assert (found.sessions, found.drawn, found.late, found.dropped) == (2, 90, 2, 10)
    assert (found.fps, found.playout) == (20, 140)
    with pytest.raises(Txt2VidError, match="far too slow"):
        load.tally([one, []], 1001, 1003)


def test_the_most_sessions_are_those_without_a_late_frame() -> None:
    def run(sessions: int, late: int) -> load.Load:
        return load.Load(sessions, 20.0, 500, late, 0, 25.0, 120.0, 1.0, 0.01)

    assert load.sustained([run(1, 0), run(4, 0), run(8, 3)]) == 4
    assert load.sustained([run(1, 1)]) == 0


@pytest.mark.parametrize(("codec", "size"), [("pcm", range(2 * PACKET, 2 * PACKET + 1)), ("opus", range(3, 400))])
def test_speech_is_made_once_as_packets(codec: str, size: range) -> None:
    packets = load.speech(codec)
    assert len(packets) > 250
    assert all(len(packet) in size for packet in packets)
    assert len(set(packets)) > 200


def samples(memory: float = 0.0, files: float = 0.0, playout: float = 0.0) -> list[soak.Sample]:
    """Growth a second."""
    return [
        soak.Sample(float(at), 200 + memory * at, int(50 + files * at), math.nan if at % 7 == 0 else 120 + playout * at)
        for at in range(100)
    ]


def test_a_steady_soak_is_steady() -> None:
    assert all(each.steady for each in soak.judge(samples(), [offset(0.5), offset(3), offset(-2), offset(1)]))


@pytest.mark.parametrize(
    ("looks", "last", "what"),
    [
        (samples(memory=0.5), 0.0, "memory, MiB"),
        (samples(files=0.2), 0.0, "open files"),
        (samples(playout=2.0), 0.0, "playout delay, ms"),
        (samples(), 30.0, "A/V offset, ms"),
    ],
)
def test_what_grows_is_named(looks: list[soak.Sample], last: float, what: str) -> None:
    verdicts = soak.judge(looks, [offset(0), offset(0), offset(0), offset(last)])
    assert [each.what for each in verdicts if not each.steady] == [what]


def test_memory_is_left_out_where_the_system_does_not_tell() -> None:
    looks = [soak.Sample(float(at), 0.0, 0, 120.0) for at in range(20)]
    assert {each.what for each in soak.judge(looks, [offset(0)])} == {"A/V offset, ms", "playout delay, ms"}


def test_a_result_is_json_without_nan_and_a_table() -> None:
    first = FirstFrame(1.5, spread([0.2, 0.3]))
    options = {"size": 128, "fps": 25.0, "codec": "opus", "container": "ts"}
    machine = {"cores": 2, "system": "x", "python": "3", "ffmpeg": "5"}
    runs = [load.Load(4, 20.0, 2000, 0, 0, 25.0, 120.0, 5.0, 0.05, {"server": 0.1, "studio": 0.4, "ffmpeg": 0.3})]
    interruption = cut.Interruption(0, spread([]), spread([]))
    verdicts = soak.judge(samples(memory=1.0), [offset(0)])
    soaked = soak.Soak(100.0, 20, 21, 3, False, verdicts, [offset(0)])
    result = Result(machine, options, first, None, interruption, runs, 4, soaked)
    read = json.loads(result.json(), parse_constant=pytest.fail)
    assert read["interruption"]["sound"]["median"] is None
    assert read["first_frame"]["viewers"]["mean"] == 0.25
    out = io.StringIO()
    Console(file=out, width=120).print(render(result))
    for words in ("128 pixels", "1.5", "without a late frame: 4", "NOT steady", "studio", "21 viewers"):
        assert words in out.getvalue()


def test_addresses_of_a_target() -> None:
    target = Target("http://127.0.0.1:81", "hero", "mp4")
    assert target.speak == "ws://127.0.0.1:81/speak"
    assert target.stream() == "http://127.0.0.1:81/s/hero/stream.mp4"
    assert target.stream("b").endswith("/s/b/stream.mp4")
    assert target.watched == {"url": target.stream()}
    assert target.trust is None
    secure = Target("https://127.0.0.1:81", "hero", "ts", ca=Path("/certificate.pem"))
    assert secure.speak == "wss://127.0.0.1:81/speak"
    assert secure.watched == {"url": "https://127.0.0.1:81/s/hero/stream.ts", "ca": "/certificate.pem"}


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        ("127.0.0.1:80", UsageError, "no address"),
        ("http://127.0.0.1:9", Txt2VidError, "start it with"),
        ("https://127.0.0.1:9", UsageError, "add --ca FILE"),
    ],
)
def test_a_server_that_is_not_there_is_told(url: str, error: type[Txt2VidError], says: str) -> None:
    options = Options(Path("face.png"), fps=Fraction(25), url=url)
    with pytest.raises(error, match=says), serving(options):
        pytest.fail("there is none")
