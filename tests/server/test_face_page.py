"""The page that draws a session's face itself, in a real browser at a real server: it moves with what is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.browsers import Browser
from txt2vid.core.wire import Text

Server = Any  # of conftest.py, which tests cannot import
STATE = "document.querySelector('#stage').dataset.state"
CANVAS = "document.querySelector('#stage canvas')"
LIVE = f"({STATE} === 'live' && {CANVAS}.width === 128)"
WATCH = """(() => {
  const shown = document.querySelector("#stage canvas"), sight = new OffscreenCanvas(16, 16);
  const seen = window.seen = {pictures: 0, moved: 0}, drawn = sight.getContext("2d", {willReadFrequently: true});
  let before = null;
  const look = () => {
    requestAnimationFrame(look);
    drawn.drawImage(shown, 48, 68, 32, 40, 0, 0, 16, 16);  // the mouth
    const now = drawn.getImageData(0, 0, 16, 16).data;
    const far = before ? now.reduce((sum, one, at) => sum + Math.abs(one - before[at]), 0) / 768 : 0;
    seen.moved = Math.max(seen.moved, far);
    before ??= now;
    seen.pictures += 1;
  };
  requestAnimationFrame(look);
})()"""
PLAYED = """(async () => {
  const [{FacePlayer}, {Api}] = await Promise.all([import("/faceplayer.js"), import("/api.js")]);
  const player = window.player = new FacePlayer(new Api()), behind = window.behind = [];
  document.body.append(player.canvas);
  player.watch("hero");
  const look = () => {
    requestAnimationFrame(look);
    if (player.state === "live" && player.drawn > 3) behind.push(player.behind);
  };
  requestAnimationFrame(look);
})()"""


@pytest.fixture
def page(artist: Browser) -> Iterator[Browser]:
    artist.resize(900, 700)
    yield artist
    artist.leave()


def test_the_face_moves_with_what_is_said_and_no_video_is_made(server: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{server.port}/s/hero/face")
    page.until(LIVE)
    before = server.state("hero")["stats"]["drawn"]  # for other tests
    assert page.run("document.querySelector('#session-name').textContent") == "hero"
    page.run(f"void {WATCH}")
    page.click("#sound")
    page.until("document.querySelector('#sound').hidden && document.querySelector('#volume').value === '1'")
    with server.talk(session="hero") as talk:
        talk.say(Text("Oh wow, what a mouth. Oh wow, what a mouth.", 1))
        page.until("seen.moved > 6")
    page.until("/[1-9]/.test(document.querySelector('#rate').textContent)")
    page.until("/kB/.test(document.querySelector('#face-size').textContent)")  # it may be told a second later
    assert int(page.run("document.querySelector('#face-size').textContent").split()[0]) < 400
    assert server.state("hero")["stats"]["drawn"] == before
    assert page.trouble() == []


def test_what_is_shown_is_what_is_heard(server: Server, page: Browser) -> None:
    """To a frame's length, whatever the machine has to do beside."""
    page.goto(f"http://localhost:{server.port}/s/hero/face")
    page.run(f"void {PLAYED}")
    page.until("window.behind?.length > 30")
    behind = page.run("behind.sort((one, other) => one - other)[behind.length >> 1]")
    assert -1920 < behind < 1920 * 3
    page.run("player.close()")


def test_a_lost_graphics_card_gives_the_video(server: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{server.port}/s/hero/face")
    page.until(LIVE)
    page.run(f"void {CANVAS}.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()")
    page.until("location.pathname === '/' && location.hash === '#hero'")


def test_a_session_that_is_not_there_is_said(server: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{server.port}/s/nobody/face")
    page.until(f"{STATE} === 'ended'")


def test_a_token_is_asked_for(guarded: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{guarded.port}/s/hero/face")
    page.until("!document.querySelector('#token').hidden")
    page.run("void (document.querySelector('#token-field').value = 'd3b07384d113edec49eaa6238ad5ff00')")
    page.click("#token button")
    page.until(LIVE)
