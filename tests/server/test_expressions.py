"""Expressions over the websocket: a real server, real senders, and its stream looked at."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.server.calls.callers import joined, make_room
from tests.server.onlooker import Onlooker
from txt2vid.core import wire
from txt2vid.sender.client import SendOptions

Server = Any  # of conftest.py, which tests cannot import
SIZE = 320
SECOND = 25  # frames


def test_a_callers_mood_stays_whoever_speaks(serving: Any, hero: Path) -> None:
    with (
        serving("--face", hero, "--size", str(SIZE), "--workers", "1") as server,
        joined(server, make_room(server)) as anna,
    ):
        anna.say(wire.Expression("happy"))  # before anybody watches
        viewer = Onlooker(f"http://127.0.0.1:{server.port}/s/{anna.session}/stream.ts?token={anna.token}", SIZE)

        try:
            smile = viewer.later(SECOND).width  # in which a mood has come or gone
            with server.talk(session=anna.session, token=anna.token):
                pass
            assert viewer.later(SECOND).width > 0.95 * smile
            anna.say(wire.Expression("neutral"))
            viewer.until(lambda head: head.width < smile / 1.1)
        finally:
            viewer.close()


def test_a_stream_shows_what_messages_and_texts_ask_for(serving: Any, hero: Path) -> None:
    options = ("--face", hero, "--size", str(SIZE), "--workers", "1", "--tts", "flite")
    with serving(*options) as server:
        viewer = Onlooker(f"http://127.0.0.1:{server.port}/stream.ts", SIZE)
        try:
            rest = viewer.until(lambda head: head.width > 0.1).width
            with server.talk() as talk:
                talk.say(wire.Expression("happy"))
                smile = viewer.until(lambda head: head.width > 1.1 * rest).width
                talk.say(wire.Expression("neutral"))
                viewer.until(lambda head: head.width < 1.04 * rest)
                talk.say(wire.Text("[happy] [pause 6s] [/happy]", 1))
                viewer.until(lambda head: head.width > 1.1 * rest)
                talk.say(wire.Interrupt(1))
                viewer.until(lambda head: head.width < 1.04 * rest)
                talk.say(wire.Expression("smile"))
                viewer.until(lambda head: head.width > 1.06 * rest)
            viewer.until(lambda head: head.width < 1.04 * rest)  # its sender has left
            assert smile > 1.1 * rest
        finally:
            viewer.close()


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (wire.Expression("hapy"), "did you mean happy"),
        (wire.Expression("joy", 7.0), "write 0 to 1"),
        (wire.Expression("joy", 1.0, -1.0), "makes no sense"),
        (wire.Expression("x" * 64), "choose one of"),
    ],
)
def test_what_is_not_known_is_a_warning(server: Server, message: wire.Expression, says: str) -> None:
    with server.talk(session="warned") as talk:
        talk.say(message)
        while not isinstance(answer := talk.hear(), wire.Error):
            pass
        assert (answer.code, answer.warning) == ("expression", True)
        assert says in answer.message
        talk.say(wire.Text("Hello.", 3))
        assert talk.until(wire.Spoken).id == 3


def test_a_text_whose_tags_are_refused_is_a_warning(server: Server) -> None:
    with server.talk(session="refused") as talk:
        talk.say(wire.Text("[hapy] Hello.", 1, unknown_tags="refuse"))
        while not isinstance(answer := talk.hear(), wire.Error):
            pass
        assert (answer.code, answer.warning) == ("text", True)
        assert "did you mean happy" in answer.message
        talk.say(wire.Text("[nod] [happy]", 2))
        while (answer := talk.until(wire.Spoken)).id != 2:
            pass
        assert not answer.dropped


def test_nothing_after_the_end(server: Server) -> None:
    with server.talk(session="late") as talk:
        talk.say(wire.End())
        talk.say(wire.Expression("joy"))
        assert talk.refusal() == ("protocol", wire.CLOSE_CODES["protocol"])


def test_the_sender_tells_its_mood_and_its_choice(server: Server) -> None:
    """The command's own client, by the command line, to the real server."""
    import sys

    url = f"ws://127.0.0.1:{server.port}/speak"
    command = [sys.executable, "-m", "txt2vid", "send", url, "--session", "moody", "--text", "[wink] Hello. [hapy]"]
    done = subprocess.run(
        [*command, "--expression", "happy:0.5", "--unknown-tags", "drop", "--json"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SendOptions().expression is None


def test_a_text_file_of_the_server_and_its_mood(serving: Any, hero: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("[anger] [pause 3s] [/anger]\n\n[happy] [pause 8s] Hello.\n")
    options = ("--face", hero, "--size", str(SIZE), "--workers", "1", "--text-file", tmp_path / "talk.txt", "--loop")
    with serving(*options, "--expression", "sad", "--unknown-tags", "refuse") as server:
        viewer = Onlooker(f"http://127.0.0.1:{server.port}/stream.ts", SIZE)
        try:
            viewer.until(lambda head: 0.1 < head.width < 0.32, seconds=60)  # angry; it is 0.29 then, and 0.38 happy
            viewer.until(lambda head: head.width > 0.34, seconds=60)
        finally:
            viewer.close()
        assert "failed" not in server.log
