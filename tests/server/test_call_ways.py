"""A call whose network changes: over the web address where UDP is blocked, and back to WebRTC once it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiortc")
from tests.server.browsers import chromium
from tests.server.calls.callers import joined, make_room
from tests.server.test_call_page import FAST, LIVE, NUMBERS, OTHER, UNCHANGED, enter, goes_on, spoken
from txt2vid.core.wire import Spoken, Text

Server = Any  # of conftest.py, which tests cannot import
POLICY = """(() => {
  const Real = RTCPeerConnection;
  window.blocked = true;
  window.RTCPeerConnection = class extends Real {
    constructor(about) { super({...about, iceTransportPolicy: window.blocked ? "relay" : "all"}); }
  };
})()"""  # as a browser's policy would: no candidates but a relay's, and there is none
NOTE = """(() => {
  const note = () => {
    const tile = document.querySelector("#others .tile"), videos = [...(tile?.querySelectorAll("video") ?? [])];
    if (tile) window.noted.push(videos.filter((it) => !it.muted && !it.paused).length);
  };
  window.noted = [];
  const all = {attributes: true, childList: true, subtree: true};
  new MutationObserver(note).observe(document.querySelector("#others"), all);
})()"""


def test_once_udp_gets_through_it_goes_over_to_it_and_nothing_breaks_off(server: Server, tmp_path: Path) -> None:
    room = make_room(server)
    speech = spoken(tmp_path, "kal16", "Can you hear me?", FAST)
    with joined(server, room, "Bob") as bob, chromium(tmp_path, speech) as page:
        page.before_pages(UNCHANGED)
        page.before_pages(POLICY)
        enter(page, f"http://localhost:{server.port}/call/{room}", "Carl")
        page.until("document.querySelector('#notice').innerText.startsWith('UDP is blocked here, so pictures come')")
        page.until(LIVE)
        carl = bob.sees(lambda members: len(members) == 2)[1]["session"]
        page.run(f"void ({NOTE}, window.blocked = false, dispatchEvent(new Event('online')))")
        page.until(
            "document.querySelector('#notice').hidden && document.querySelectorAll('#others video').length === 1"
        )
        page.until(f"{OTHER}.querySelector('video').srcObject !== null && {LIVE}")
        assert set(page.run("window.noted")) == {1}  # at no time none, or both
        goes_on(page, "seen.pictures > 25")
        page.until(f"/Round trip \\d+ ms .* ↑ [1-9]\\d* ↓ \\d+ kbit/.test({NUMBERS})")
        heard = server.ask(f"/api/sessions/{carl}", Authorization=bob.bearer).json
        assert heard["live"]
        page.click("#hang-up")
        page.until("!document.querySelector('#over').hidden")
        assert page.trouble() == []


SAID = f"[...({OTHER}?.querySelectorAll('.said') ?? [])].map((it) => it.textContent).join('').trim()"
READ = f"{OTHER}.querySelector('.captions').textContent.trim()"


def test_what_is_spoken_for_somebody_is_read_along_on_demand(server: Server, tmp_path: Path) -> None:
    room, text = make_room(server), "This sentence is spoken for Bob."
    with joined(server, room, "Bob") as bob, chromium(tmp_path, spoken(tmp_path, "slt", "Hello.", FAST)) as page:
        enter(page, f"http://localhost:{server.port}/call/{room}", "Carl")
        page.until(LIVE)
        pressed = "document.querySelector('#cc').getAttribute('aria-pressed')"
        assert page.run(pressed) == "false"
        with server.talk(session=bob.session, token=bob.token) as talk:
            talk.say(Text("Nobody reads this.", 1))
            talk.until(Spoken)
            assert page.run(READ) == ""
            page.press("c")
            page.until(f"{pressed} === 'true'")
            page.run(f"void (window.lit = new Set(), setInterval(() => window.lit.add({SAID}), 20))")
            talk.say(Text(text, 2))
            page.until(f"window.lit.has({text!r})")  # noted: it is gone a second later
            assert all(text.startswith(each) for each in page.run("[...window.lit]"))  # word by word
            box = f"{OTHER}.querySelector('.captions')"
            assert page.run(f"[{box}.role, {box}.ariaLive, {box}.ariaLabel]") == ["region", "polite", "What Bob says"]
            talk.say(Text("And this one is never heard to its end, since it is not read to its end.", 3))
            page.until("[...window.lit].some((it) => it.startsWith('And this'))")
            page.click("#cc")
            page.until(f"{pressed} === 'false' && {READ} === ''")
        page.click("#hang-up")
        page.until("!document.querySelector('#over').hidden")
        assert page.trouble() == []
