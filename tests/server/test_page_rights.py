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
TITLES = "[...document.querySelectorAll('#commands h3')].map((it) => it.textContent)"


@pytest.fixture
def page(window: Browser) -> Iterator[Browser]:
    window.resize(1280, 800)
    yield window
    window.run("sessionStorage.clear()")  # the token that this tab has kept
    window.leave()


def test_who_has_the_watching_token_sees_and_is_not_told_how_to_speak(guarded: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{guarded.port}/?token={WATCH_TOKEN}")
    page.until(LIVE)
    assert page.run("location.search") == ""
    page.until(f"{TITLES}.join() === 'Watch,Watch with ffplay'")
    assert page.run("document.querySelector('#token').hidden")
    assert page.trouble() == []


def test_who_has_the_servers_token_is_told_how_to_speak(guarded: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{guarded.port}/?token={TOKEN}")
    page.until(f"{TITLES}.join() === 'Speak into it,Watch,Watch with ffplay'")


def test_a_call_is_not_begun_with_the_watching_token(guarded: Server, page: Browser) -> None:
    page.goto(f"http://localhost:{guarded.port}/call?token={WATCH_TOKEN}")
    page.click("#start-button")
    page.until("!document.querySelector('#start-token').hidden")
    page.until("document.querySelector('#start-why').textContent.includes('watching alone')")
    page.run(f"void (document.querySelector('#token-field').value = '{TOKEN}')")
    page.click("#start-button")
    page.until("location.pathname.startsWith('/call/')")
