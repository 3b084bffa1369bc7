"""Captions on the viewer page, in real browsers: the words that are lit are those that the picture says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.browsers import Browser
from tests.server.page_site import Site
from tests.server.test_captions import Reading, said, sentence, wait_for
from tests.server.test_page import PLAYS, VIDEO
from txt2vid.core.wire import EPOCHS, Interrupt, Text

Server = Any  # of conftest.py, which tests cannot import
BOX = "document.querySelector('#captions')"
SAID = "[...document.querySelectorAll('#captions .said')].map((it) => it.textContent).join('').trim()"
ALL = f"{BOX}.textContent.trim()"
PRESSED = "document.querySelector('#cc').getAttribute('aria-pressed')"
SLACK = 0.25  # seconds from a word's start until it must be lit: a few looks of the page, on a machine that is busy
TEXT = "one two three four five six"


@pytest.fixture
def served(the_site: Site) -> Iterator[Site]:
    yield the_site
    the_site.end_captions()
    the_site.reset()


@pytest.fixture
def page(window: Browser, served: Site) -> Iterator[Browser]:
    """A page that plays, and reads along."""
    window.resize(1280, 800)
    window.goto(served.url)
    window.until(PLAYS)
    wait_for(lambda: "anna" in served.captions and served.captions["anna"].readers == 1)
    yield window
    trouble = window.trouble()
    window.run("localStorage.clear()")
    window.leave()
    assert trouble == []


def watch(page: Browser) -> None:
    """From now on the page notes what is on it, and at which time of the picture."""
    note = f"window.seen.push([{VIDEO}.currentTime, {SAID}, {ALL}])"
    page.run(f"void (window.seen = [], window.noting = setInterval(() => {note}, 20))")


def seen(page: Browser, until: float) -> list[tuple[float, str, str]]:
    """What was noted until the picture was there."""
    page.until(f"{VIDEO}.currentTime > {until}")
    return [tuple(each) for each in page.run("(clearInterval(window.noting), window.seen)")]


def in_time(notes: list[tuple[float, str, str]], starts: list[tuple[float, str]], stop: float) -> None:
    """Whether what was lit at each moment had begun, and nothing had that was not."""
    checked = set()
    for at, lit, _ in notes:
        if starts[0][0] - 1 < at < stop:
            begun = [word.strip() for start, word in starts if start <= at + 0.001]
            sure = [word.strip() for start, word in starts if start <= at - SLACK]
            assert len(sure) <= len(lit.split()) <= len(begun), (at, lit, starts)
            assert lit.split() == begun[: len(lit.split())]
            checked.add(lit)
    assert len(checked) >= len(starts) - 1  # nearly each step was seen: a word may be shorter than a look


def now(page: Browser) -> float:
    return float(page.run(f"{VIDEO}.currentTime"))


def test_words_light_up_when_the_picture_says_them(page: Browser, served: Site) -> None:
    watch(page)
    told = sentence(TEXT, now(page) + 1, each=0.4)
    served.tell("anna", told)
    notes = seen(page, told.stop + 1.5)
    in_time(notes, [(word.start, word.text) for word in told.words], told.stop)
    assert all(text == TEXT for at, _, text in notes if told.start + SLACK < at < told.stop)
    assert all(text == "" for at, _, text in notes if at < told.start or at > told.stop + 1 + SLACK)


def test_an_interruption_clears_them(page: Browser, served: Site) -> None:
    watch(page)
    told = sentence(TEXT, now(page) + 0.5, each=0.5)
    served.tell("anna", told, sentence("never said", told.stop))
    cut = told.start + 1.2
    served.cut("anna", cut)
    notes = seen(page, told.stop + 0.5)
    assert {text for at, _, text in notes if told.start + SLACK < at < cut} == {TEXT}
    assert {text for at, _, text in notes if at > cut + SLACK} == {""}


def test_the_next_sentence_takes_the_place_of_the_last(page: Browser, served: Site) -> None:
    watch(page)
    first = sentence("this goes on", now(page) + 0.5, each=0.5)
    second = sentence("but here is more", first.start + 1, each=0.2)
    served.tell("anna", first, second)
    notes = seen(page, second.stop)
    assert {text for at, _, text in notes if second.start + SLACK < at < second.stop} == {"but here is more"}


def test_another_session_has_its_own(page: Browser, served: Site) -> None:
    served.tell("anna", sentence("said by anna " * 5, now(page), each=0.5))
    page.until(f"{ALL}.startsWith('said by anna')")
    page.click("#sessions a[href='#ben']")
    page.until(f"{PLAYS} && {VIDEO}.videoHeight === 240 && {ALL} === ''")
    wait_for(lambda: served.captions["anna"].readers == 0 and served.captions["ben"].readers == 1)
    served.tell("ben", sentence("said by ben", now(page) + 0.3, each=1))
    served.tell("anna", sentence("no", now(page) + 0.5, each=1))
    page.until(f"{ALL} === 'said by ben'")


def test_they_are_switched_by_button_and_key_and_it_is_remembered(page: Browser, served: Site) -> None:
    assert page.run(PRESSED) == "true"
    page.click("#cc")
    assert page.run(PRESSED) == "false"
    wait_for(lambda: served.captions["anna"].readers == 0)
    page.press("c")
    page.until(f"{PRESSED} === 'true'")
    wait_for(lambda: served.captions["anna"].readers == 1)
    page.press("c")
    page.until(f"{PRESSED} === 'false'")
    served.requests.clear()
    page.goto(served.url)
    page.until(PLAYS)
    assert page.run(PRESSED) == "false"
    assert not any("captions" in path for path in served.requests)


def test_it_comes_back_when_the_connection_is_lost(page: Browser, served: Site) -> None:
    served.end_captions()
    wait_for(lambda: "anna" in served.captions and served.captions["anna"].readers == 1)
    served.tell("anna", sentence("here again", now(page) + 0.3, each=1))
    page.until(f"{ALL} === 'here again'")


def test_whatever_is_said_is_only_text(page: Browser, served: Site) -> None:
    markup = "<img src=x onerror=trouble.push('xss')> <b>&amp;</b> \u202eabc \u05e9\u05dc\u05d5\u05dd"
    served.tell("anna", sentence(markup, now(page) + 0.3, each=0.3))
    page.until(f"{ALL} === {markup!r}")
    assert page.run(f"{BOX}.querySelectorAll('img, b').length") == 0
    assert page.run(f"{BOX}.firstChild.dir") == "auto"


@pytest.mark.parametrize("width", [1280, 360])
def test_two_lines_at_most_and_the_word_that_is_said_is_in_them(page: Browser, served: Site, width: int) -> None:
    page.resize(width, 740)
    page.until("document.querySelector('#stage').clientWidth > 0")
    told = sentence("mmmmmmmmm wwwwwwwww " * 4, now(page) + 0.3, each=0.2)
    served.tell("anna", told)
    page.until(f"{BOX}.querySelectorAll('.said').length === 8")
    size = page.run(f"""(() => {{
      const text = {BOX}.querySelector('p'), box = text.getBoundingClientRect();
      const word = text.lastChild.getBoundingClientRect();
      const stage = document.querySelector('#stage').getBoundingClientRect();
      return {{ lines: text.clientHeight / parseFloat(getComputedStyle(text).lineHeight),
        seen: word.top >= box.top && word.bottom <= box.bottom + 1,
        inside: box.left >= stage.left && box.right <= stage.right && box.bottom <= stage.bottom }};
    }})()""")
    assert size["lines"] < 2.2
    assert (size["seen"], size["inside"]) == (True, True)


def test_the_token_stays_out_of_the_address(window: Browser, served: Site) -> None:
    served.token = "sesame"  # noqa: S105 - of this test
    window.goto(f"{served.url}/?token=sesame")
    window.until(PLAYS)
    wait_for(lambda: "anna" in served.captions and served.captions["anna"].readers == 1)
    assert not any("sesame" in path for path in served.requests)
    window.run("sessionStorage.clear()")
    window.leave()


def test_a_real_server_and_a_real_sender(window: Browser, server: Server) -> None:
    """Words on the page against what the server tells; test_captions.py holds that against the sound of the stream."""
    window.goto(f"http://127.0.0.1:{server.port}/#twin")
    window.until(PLAYS)
    reading = Reading(server, "/s/twin/captions")
    watch(window)
    with server.talk(session="twin") as talk:
        text = f"This sentence is spoken live in {window.name}."
        talk.say(Text(text, 1))
        events = reading.until(lambda events: any(said(event) == text for event in events))
        body = events[-1][1]
        notes = seen(window, body["stop"] + 0.3)
    in_time(notes, body["words"], body["stop"])
    watch(window)
    with server.talk(session="twin") as talk:
        talk.say(Text("This one is never heard to its end, since somebody wants to say something else.", 1))
        window.until(f"{BOX}.querySelectorAll('.said').length === 2")
        talk.say(Interrupt((talk.ready.epoch + 1) % EPOCHS))
        events = reading.until(lambda events: events[-1][0] == "cut")
        notes = seen(window, events[-1][1]["at"] + 1)
    assert {text for at, _, text in notes if at > events[-1][1]["at"] + SLACK} == {""}
    assert max(len(lit.split()) for _, lit, _ in notes) < 12
    assert window.trouble() == []
    window.leave()
