"""What the watching pages offer to whom, in real browsers at real servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.browsers import Browser
from tests.server.conftest import TOKEN, WATCH_TOKEN

Server = Any  # of conftest.py, which tests cannot import
STATE = "document.querySelector('#stage').dataset.state"
LIVE = f"({STATE} === 'live' && document.querySelector('#video').videoWidth === 128)"
ROW = "document.querySelector('#faces')"
SHOWN = f"(!{ROW}.hidden && {ROW}.querySelectorAll('button').length === 9)"
PRESSED = f"[...{ROW}.querySelectorAll('[aria-pressed=true]')].map((it) => it.dataset.face).join()"
BROKEN = "window.real = fetch, window.fetch = (...all) => all[1]?.method === 'POST' ? Promise.reject() : real(...all)"
LIT = f"""(() => {{
  window.lit = new Set();
  const look = () => {ROW}.querySelectorAll(".passing").forEach((it) => lit.add(it.dataset.face));
  new MutationObserver(look).observe({ROW}, {{subtree: true, attributes: true}});
}})()"""
WHY = "document.querySelector('#faces-why').textContent"
TITLES = "[...document.querySelectorAll('#commands h3')].map((it) => it.textContent)"


def mood(server: Server) -> Any:
    return server.ask("/api/sessions/hero", Authorization=f"Bearer {TOKEN}").json["expression"]


def moved(server: Server, name: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    assert (
        server.ask("/api/sessions/hero/expression", "POST", f'{{"name": "{name}"}}'.encode(), **headers).status == 200
    )


@pytest.fixture
def page(window: Browser) -> Iterator[Browser]:
    window.resize(1280, 800)
    yield window
    window.run("sessionStorage.clear()")  # the token that this tab has kept
    window.leave()


def test_who_has_the_watching_token_sees_and_is_not_told_how_to_speak(guarded: Server, page: Browser) -> None:
    before = mood(guarded)
    page.goto(f"http://localhost:{guarded.port}/?token={WATCH_TOKEN}")
    page.until(LIVE)
    assert page.run("location.search") == ""
    page.until(f"{TITLES}.join() === 'Watch,Watch with ffplay'")
    assert page.run(f"{ROW}.hidden")
    page.press("1")
    assert page.run("document.querySelector('#token').hidden")
    assert mood(guarded) == before
    assert page.trouble() == []


def test_who_has_the_servers_token_is_told_how_to_speak(guarded: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{guarded.port}/?token={TOKEN}")
    page.until(f"{TITLES}.join() === 'Speak into it,A link with which others only watch,Watch,Watch with ffplay'")


def test_the_link_for_others_watches_and_no_more(guarded: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{guarded.port}/?token={TOKEN}")
    page.until(f"{TITLES}.length === 4")
    assert WATCH_TOKEN not in page.run("document.documentElement.outerHTML")  # screens are shared
    page.run("void (navigator.clipboard.writeText = async (text) => void (window.copied = text))")
    page.click("#commands .command:nth-child(2) button")
    link = page.until("window.copied")
    assert link == f"http://localhost:{guarded.port}/?token={WATCH_TOKEN}#hero"
    page.run("sessionStorage.clear()")
    page.goto(link)
    page.until(f"{LIVE} && {TITLES}.length === 2 && {ROW}.hidden")


def test_a_call_is_not_begun_with_the_watching_token(guarded: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{guarded.port}/call?token={WATCH_TOKEN}")
    page.click("#start-button")
    page.until("!document.querySelector('#start-token').hidden")
    page.until("document.querySelector('#start-why').textContent.includes('watching alone')")
    page.run(f"void (document.querySelector('#token-field').value = '{TOKEN}')")
    page.click("#start-button")
    page.until("location.pathname.startsWith('/call/')")


def test_who_has_the_servers_token_moves_the_face(guarded: Server, page: Browser) -> None:
    moved(guarded, "neutral")
    page.goto(f"http://localhost:{guarded.port}/?token={TOKEN}")
    page.until(f"{LIVE} && {SHOWN}")
    page.click("#faces [data-face=joy]")
    page.until(f"{PRESSED} === 'joy'")
    assert mood(guarded) == "joy"
    page.press("3")
    page.until(f"{PRESSED} === 'sadness'")
    page.run(f"void ({LIT})")
    page.press("9")
    page.until("window.lit.has('wink')")
    page.until(f"{ROW}.querySelector('.passing') === null && {PRESSED} === 'sadness'")
    assert mood(guarded) == "sadness"
    moved(guarded, "anger")  # by somebody else
    page.until(f"{PRESSED} === 'anger'")
    page.press("4")  # once more: it ends
    page.until(f"{PRESSED} === ''")
    assert mood(guarded) == ""
    assert page.trouble() == []


def test_a_refusal_is_said_and_forgotten(guarded: Server, page: Browser) -> None:
    moved(guarded, "neutral")
    page.goto(f"http://localhost:{guarded.port}/?token={TOKEN}")
    page.until(SHOWN)
    page.run(f"void ({BROKEN})")
    page.press("1")
    page.until(f"{WHY} === 'The server cannot be reached.'")
    assert page.run(PRESSED) == ""
    page.run("void (window.fetch = real)")
    page.press("1")
    page.until(f"{PRESSED} === 'joy' && {WHY} === ''")
    page.press("0")
    page.until(f"{PRESSED} === ''")


def test_without_a_token_everybody_moves_the_face_that_is_watched(server: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{server.port}/#twin")
    page.until(SHOWN)
    page.press("2")
    page.until(f"{PRESSED} === 'surprise'")
    assert server.ask("/api/sessions/twin").json["expression"] == "surprise"
    page.run("void (location.hash = 'hero')")
    page.until(f"document.title.startsWith('hero') && {PRESSED} === ''")
    page.run("void (location.hash = 'twin')")
    page.until(f"{PRESSED} === 'surprise'")
    page.press("0")
    page.until(f"{PRESSED} === ''")
    assert server.ask("/api/sessions/twin").json["expression"] == ""


@pytest.mark.parametrize("size", [(1280, 800), (1440, 1000), (740, 360), (360, 740)])
def test_the_row_fits(server: Server, page: Browser, size: tuple[int, int]) -> None:
    page.resize(*size)
    page.goto(f"http://localhost:{server.port}/")
    page.until(SHOWN)
    assert page.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    wide = f"[...{ROW}.querySelectorAll('button')].filter((it) => it.scrollWidth > it.clientWidth + 1)"
    assert page.run(f"{wide}.map((it) => it.innerText)") == []
    low = f"[...{ROW}.querySelectorAll('button')].filter((it) => it.offsetHeight < 44 || it.offsetWidth < 24)"
    assert page.run(f"{low}.length") == 0


def test_the_face_that_is_drawn_here_is_moved_too(guarded: Server, artist: Browser) -> None:
    artist.resize(900, 700)
    try:
        artist.goto(f"http://localhost:{guarded.port}/s/hero/face?token={WATCH_TOKEN}")
        artist.until(f"{STATE} === 'live'")
        assert artist.run(f"location.search === '' && {ROW}.hidden")
        artist.goto(f"http://localhost:{guarded.port}/s/hero/face?token={TOKEN}")
        artist.until(f"{STATE} === 'live' && {SHOWN}")
        artist.press("5")
        artist.until(f"{PRESSED} === 'fear'")
        assert mood(guarded) == "fear"
        moved(guarded, "neutral")
        artist.until(f"{PRESSED} === ''")
        assert artist.trouble() == []
    finally:
        moved(guarded, "neutral")
        artist.run("sessionStorage.clear()")
        artist.leave()
