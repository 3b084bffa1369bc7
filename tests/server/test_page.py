"""The viewer page in real browsers: plays with sound after one click, stays live, comes back, is usable by all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.server.browsers import Browser
from tests.server.page_site import Site, colours, site

VIDEO = "document.querySelector('#video')"
AHEAD = f"({VIDEO}.buffered.end({VIDEO}.buffered.length - 1) - {VIDEO}.currentTime)"
SHOWN = f"{VIDEO}.getVideoPlaybackQuality().totalVideoFrames"
PLAYS = f"(!{VIDEO}.paused && {VIDEO}.videoWidth > 0 && document.querySelector('#stage').dataset.state === 'live')"
LATENCY = "parseFloat(document.querySelector('#latency').textContent.replace(/^(.*) s$/, (_, n) => n * 1000))"
NAMES = "[...document.querySelectorAll('#sessions .name')].map((it) => it.textContent)"
SESAME = "sesame"
STAGE = "document.querySelector('#stage')"
STATE = f"{STAGE}.dataset.state"


@pytest.fixture(autouse=True)
def served(the_site: Site) -> Iterator[Site]:
    yield the_site
    the_site.reset()


@pytest.fixture
def fresh(window: Browser) -> Iterator[Browser]:
    """A window that shows nothing yet."""
    window.resize(1280, 800)
    yield window
    window.leave()  # before the site forgets what it was told


@pytest.fixture(scope="class")
def playing(window: Browser, the_site: Site) -> Iterator[Browser]:
    """One page for all tests of a class: each leaves it playing."""
    window.resize(1280, 800)
    window.goto(the_site.url)
    yield window
    window.leave()


@pytest.fixture
def page(playing: Browser) -> Iterator[Browser]:
    playing.until(PLAYS)
    yield playing
    trouble = playing.trouble()
    playing.forget()
    assert trouble == []


@pytest.fixture(scope="session")
def real(hero: Path) -> Iterator[str]:
    """The address of a whole server."""
    command = [sys.executable, "-m", "txt2vid", "serve", "--face", f"anna={hero}", "--size", "256", "--workers", "1"]
    with subprocess.Popen([*command, "--port", "0", "--json"], stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())["url"]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def goes_on(page: Browser, pictures: int = 10) -> None:
    """Waits until so many more pictures were shown and the time went on."""
    before = page.run(f"[{VIDEO}.currentTime, {SHOWN}]")
    page.until(f"{PLAYS} && {VIDEO}.currentTime > {before[0]} && {SHOWN} > {before[1] + pictures}")


class TestPlaying:
    """On one page, which plays before each test and after it."""

    def test_one_click_plays_with_sound_close_to_live(self, page: Browser) -> None:
        assert page.run(f"{VIDEO}.muted")
        page.click("#sound")
        assert page.run(f"[{VIDEO}.muted, {VIDEO}.paused, {VIDEO}.volume]") == [False, False, 1]
        assert page.run("document.querySelector('#sound').hidden")
        goes_on(page, 25)
        page.until(f"{LATENCY} < 1000 && {AHEAD} < 0.5")
        assert page.run(f"{LATENCY} > 0")
        page.until("Math.abs(parseFloat(document.querySelector('#sync').textContent.replace('−', '-'))) < 100")
        assert page.run("document.querySelector('#sync-server').textContent") == "server: +2 ms"

    @pytest.mark.slow
    def test_after_a_stall_it_is_live_again(self, page: Browser, served: Site) -> None:
        served.signal(signal.SIGSTOP)
        page.until(f"{STATE} === 'stalled'")
        page.until(f"{LATENCY} > 1000")  # the picture stands, and grows older
        served.signal(signal.SIGCONT)
        page.until(f"{PLAYS} && {LATENCY} < 1000 && {AHEAD} < 1.2")

    def test_comes_back_after_the_stream_is_cut(self, page: Browser, served: Site) -> None:
        served.refuse, served.names = 503, ["anna", "carl"]
        served.signal(signal.SIGKILL)
        page.until(f"{STATE} === 'reconnecting'")
        page.until("document.querySelector('#status').textContent.includes('Too many viewers.')")
        served.refuse = 0
        goes_on(page)
        page.until(f"{LATENCY} < 1000")
        page.until(f"{NAMES}.join() === 'anna,carl'")  # the list went on meanwhile
        page.problems[:] = [text for text in page.problems if "503" not in text]  # the browser's own report

    def test_the_commands_are_shown_and_copied(self, page: Browser, served: Site) -> None:
        place = urlsplit(served.url).netloc
        assert page.run("[...document.querySelectorAll('#commands code')].map((it) => it.textContent)") == [
            f"txt2vid send --mic ws://{place}/speak --session anna",
            f"txt2vid play http://{place}/s/anna/stream.ts",
            f"ffplay -fflags nobuffer -flags low_delay http://{place}/s/anna/stream.ts",
        ]
        page.click("#commands button")
        page.until("document.querySelector('#commands button').textContent === 'Copied'")

    def test_a_phone_shows_all_of_it(self, page: Browser) -> None:
        page.resize(360, 740)
        assert page.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        wide = "[...document.querySelectorAll('body *')].filter((it) => it.getBoundingClientRect().right > innerWidth)"
        assert page.run(f"{wide}.map((it) => it.outerHTML)") == []
        small = "[...document.querySelectorAll('button')].filter((it) => it.offsetHeight && it.offsetHeight < 44)"
        assert page.run(f"{small}.map((it) => it.outerHTML)") == []  # a thumb needs 44 px
        page.resize(1280, 800)

    def test_decisions_about_the_live_edge(self, page: Browser) -> None:
        decided = page.run("""(async () => {
          const { Edge, TARGET } = await import("./edge.js");
          const ahead = (edge, seconds, now) => edge.decide({ time: 100, start: 90, end: 100 + seconds, now });
          const edge = new Edge(), dried = new Edge();
          for (let i = 0; i < 99; i++) dried.dry();
          return {
            rates: [0.02, 0.13, 0.02, 0, 0.02, 0.8].map((spare, i) => ahead(edge, TARGET + spare, i * 2000).rate),
            jump: ahead(new Edge(), 3, 0).seek - (103 - TARGET), most: dried.target,
            gap: new Edge().decide({ time: 5, start: 90, end: 90.05, now: 0 }),
          };
        })()""")
        # Nothing within the band; behind it faster until the target is reached, not only the band.
        assert decided["rates"] == [1, 1.03, 1.02, 1, 1, 1.05]
        assert decided["jump"] == pytest.approx(0)
        assert decided["gap"]["seek"] == 90
        assert decided["most"] == 0.6

    def test_what_is_no_stream_is_refused_in_words(self, page: Browser) -> None:
        said = page.run("""(async () => {
          const { Splitter } = await import("./mp4.js");
          const page = new TextEncoder().encode("<html>This is no MP4");
          try { new Splitter().push(page); } catch (error) { return error.message; }
        })()""")
        assert said == "What the server sends is no fragmented MP4."

    def test_what_was_shown_long_ago_is_freed(self, page: Browser, served: Site) -> None:
        served.again = True
        served.zero -= 3600  # seconds: the next encoder's time stamps are an hour later
        served.signal(signal.SIGKILL)
        page.until(f"{VIDEO}.currentTime > 4000 && {VIDEO}.buffered.start(0) > 4000")
        goes_on(page)

    def test_dark_and_calm(self, page: Browser) -> None:
        page.dark_and_calm()
        page.run(f"{STAGE}.dataset.state = 'connecting'")  # its dot breathes, for those who like that
        style = "getComputedStyle(document.querySelector('.dot')).animationName"
        scheme = "getComputedStyle(document.body).getPropertyValue('--paper')"
        assert page.run(f"[{scheme}.trim(), {style}]") == [colours()["dark"]["paper"], "none"]
        page.run(f"{STAGE}.dataset.state = 'live'")

    @pytest.mark.parametrize("anew", [False, True], ids=["same clock", "clock anew"])
    def test_a_new_encoder_within_the_stream(self, page: Browser, served: Site, anew: bool) -> None:
        served.again, served.anew = True, anew
        connections = len([path for path in served.requests if "/stream" in path])
        before = page.run(f"{VIDEO}.currentTime")
        served.signal(signal.SIGKILL)
        page.until(f"{VIDEO}.currentTime > {before + 0.5} && {AHEAD} < 1")
        goes_on(page)
        assert len([path for path in served.requests if "/stream" in path]) == connections


def test_the_keyboard_reaches_everything_in_order(fresh: Browser, served: Site) -> None:
    fresh.goto(served.url)
    fresh.until(PLAYS)
    seen = []
    for _ in range(14):
        fresh.press("Tab")
        seen.append(fresh.run("document.activeElement.id || document.activeElement.textContent"))
        active = fresh.run("document.hasFocus()")  # a Firefox without a screen never is: order is all that it shows
        outline = fresh.run("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid" or not active, seen
        if seen[-1] == "sound" and active:
            fresh.press("Enter")
            assert fresh.run(f"{VIDEO}.muted") is False
            fresh.press("Space")  # it stands on the mute button now
            assert fresh.run(f"{VIDEO}.muted") is True
        if seen.count("Copy") == 3:
            break
    for name in ("volume", "full"):
        assert name in seen
    wanted = [name for name in ("sound", "volume", "picture", "full", "draw") if name in seen]
    assert [name for name in seen if name in wanted] == wanted
    assert next(name for name in seen if "viewer" in name).startswith("anna")
    assert seen[-3:] == ["Copy"] * 3
    assert fresh.trouble() == []


def test_a_session_is_chosen_by_click_address_and_back_button(fresh: Browser, served: Site) -> None:
    fresh.goto(served.url)
    fresh.until(PLAYS)
    assert fresh.run(NAMES) == ["anna", "ben"]
    assert fresh.run("document.querySelector('[aria-current]').hash") == "#anna"  # somebody speaks there
    served.names = ["anna", "ben", "carl"]
    fresh.click("#sessions a[href='#ben']")
    fresh.until(f"{PLAYS} && {VIDEO}.videoHeight === 240")
    assert fresh.run("[document.title, location.hash]") == ["ben · txt2vid", "#ben"]
    assert "--session ben" in fresh.run("document.querySelector('#commands').textContent")
    fresh.run("history.back()")
    fresh.until(f"{PLAYS} && {VIDEO}.videoHeight === 320 && document.title === 'anna · txt2vid'")
    fresh.until(f"{NAMES}.join() === 'anna,ben,carl'")
    assert fresh.trouble() == []


def test_a_token_is_asked_for(fresh: Browser, served: Site) -> None:
    served.token = SESAME
    fresh.goto(served.url)
    fresh.until("!document.querySelector('#token').hidden && document.activeElement.id === 'token-field'")
    assert "needs the server's token" in fresh.run("document.querySelector('#token').innerText")
    fresh.run("document.querySelector('#token-field').value = 'wrong'")
    fresh.press("Enter")
    fresh.until("document.querySelector('#token').innerText.includes('refused')")
    fresh.run(f"document.querySelector('#token-field').value = '{SESAME}'")
    fresh.click("#token button")
    fresh.until(PLAYS)
    assert fresh.run("document.querySelector('#token').hidden")
    fresh.goto(served.url)
    fresh.until(PLAYS)  # this tab still knows it
    assert fresh.trouble() == []
    fresh.run("sessionStorage.clear()")


def test_a_token_leaves_the_address(fresh: Browser, served: Site) -> None:
    served.token = f"it's {SESAME}"
    fresh.goto(f"{served.url}/?token=it%27s%20{SESAME}#ben")
    fresh.until(f"{PLAYS} && {VIDEO}.videoHeight === 240")
    assert fresh.run("location.href") == f"{served.url}/#ben"
    assert SESAME not in fresh.run("document.querySelector('#commands').textContent")
    assert fresh.run("!document.querySelector('#commands-note').hidden")
    pages = [path for path in served.requests if "token" in path]
    assert pages == []  # only the page itself was asked for with it
    assert fresh.trouble() == []
    fresh.run("sessionStorage.clear()")


def test_a_copied_command_carries_the_token_as_it_is(fresh: Browser, served: Site) -> None:
    served.token = "100%25"  # noqa: S105 - of this test
    fresh.goto(f"{served.url}/?token=100%2525")
    fresh.until("document.querySelector('#commands').textContent.includes('anna')")
    fresh.run("void (navigator.clipboard.writeText = async (text) => void (window.copied = text))")
    fresh.click("#commands .command:nth-child(2) button")
    assert fresh.until("window.copied") == f"txt2vid play '{served.url}/s/anna/stream.ts?token=100%2525'"
    fresh.run("sessionStorage.clear()")


def test_the_picture_keeps_its_place(fresh: Browser, served: Site) -> None:
    served.refuse = 503
    fresh.goto(served.url)
    fresh.until(f"{STATE} === 'reconnecting'")
    box = "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('#stage').getBoundingClientRect())"
    before = fresh.run(box)
    served.refuse = 0
    fresh.until(PLAYS)
    assert fresh.run(box) == before


def test_the_server_itself(fresh: Browser, real: str) -> None:
    """Everything real: a face, its studio, its encoder, and its clock."""
    fresh.goto(real)
    fresh.until(PLAYS)
    fresh.click("#sound")
    assert fresh.run(f"{VIDEO}.muted") is False
    goes_on(fresh, 25)
    fresh.until(f"{LATENCY} > 0 && {LATENCY} < 1000")
    fresh.problems[:] = [text for text in fresh.problems if "503" not in text]  # while the face is prepared
    assert fresh.trouble() == []


def test_no_thread_outlives_the_site() -> None:
    before = set(threading.enumerate())
    with site():
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) <= before
