"""A call in which a browser draws the others' faces itself, by choice; and gets the video where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.browsers import Chromium, chromium
from tests.server.calls.callers import Caller, joined, make_room
from tests.server.face_site import SOFTWARE
from txt2vid.core.wire import Text

pytest.importorskip("aiortc")
Server = Any  # of conftest.py, which tests cannot import
OTHER = "document.querySelector('#others .tile')"
DRAWN = f"({OTHER}?.dataset.state === 'live' && {OTHER}.dataset.drawn === '' && {OTHER}.querySelector('canvas').width)"
VIDEO = f"({OTHER}?.dataset.state === 'live' && !('drawn' in {OTHER}.dataset) && !{OTHER}.querySelector('canvas'))"
LOSE = f"{OTHER}.querySelector('canvas').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()"
MOUTH = f"""(() => {{
  const sight = new OffscreenCanvas(16, 16).getContext("2d"), shown = {OTHER}.querySelector("canvas");
  return new Promise((resolve) => requestAnimationFrame(() => {{
    sight.drawImage(shown, 48, 68, 32, 40, 0, 0, 16, 16);
    resolve([...sight.getImageData(0, 0, 16, 16).data].reduce((sum, one) => sum + one, 0));
  }}));
}})()"""


@pytest.fixture(scope="module")
def room(
    server: Server, tmp_path_factory: pytest.TempPathFactory, speech: Path
) -> Iterator[tuple[Chromium, Caller, Server]]:
    """Bob in a browser, and Anna, who is no browser."""
    room = make_room(server)
    with (
        joined(server, room) as anna,
        chromium(tmp_path_factory.mktemp("bob"), speech, more=SOFTWARE) as bob,
    ):
        bob.resize(700, 560)
        bob.goto(f"http://localhost:{server.port}/call/{room}")
        bob.until("document.querySelectorAll('#join-heroes [type=radio]').length >= 1")
        bob.click("#join-button")
        bob.until(VIDEO)
        yield bob, anna, server
        bob.leave()


@pytest.fixture
def call(room: tuple[Chromium, Caller, Server]) -> Iterator[tuple[Chromium, Caller, Server]]:
    """The call, in which Anna's face comes as video when a test begins."""
    bob = room[0]
    yield room
    if bob.run("document.querySelector('#draw').getAttribute('aria-pressed')") == "true":
        bob.click("#draw")
    bob.until(VIDEO)
    bob.forget()


def test_faces_are_drawn_here_on_demand(call: tuple[Chromium, Caller, Server]) -> None:
    bob, anna, server = call
    bob.click("#draw")
    bob.until(DRAWN)
    assert bob.run("document.querySelector('#draw').getAttribute('aria-pressed')") == "true"
    bob.until("document.querySelector('#mine .tile').dataset.state === 'live'")
    before = bob.run(MOUTH)
    with server.talk(session=anna.session, token=anna.token) as talk:
        talk.say(Text("Oh wow, what a mouth. Oh wow, what a mouth.", 1))
        bob.until(f"({MOUTH}).then((now) => Math.abs(now - {before}) > 2000)")
    bob.until("/↓ [1-9]/.test(document.querySelector('#numbers').textContent)")


def test_without_a_graphics_card_the_video_goes_on(call: tuple[Chromium, Caller, Server]) -> None:
    bob, _, _ = call
    bob.click("#draw")
    bob.until(DRAWN)
    bob.run(f"void {LOSE}")
    bob.until(VIDEO)
    assert "video" in bob.run("document.querySelector('#notice').textContent")
    bob.click("#draw")
    bob.until("document.querySelector('#draw').getAttribute('aria-pressed') === 'false'")
    bob.click("#draw")
    bob.until(DRAWN)  # asked for anew, it is tried anew
    bob.click("#draw")
    bob.until(VIDEO)
    assert bob.trouble() == []
