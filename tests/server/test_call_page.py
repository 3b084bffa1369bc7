"""The page of calls in real browsers: two call each other, each in a rhythm that the other's picture shows.

The server draws a mark into the corner of a face while its speaker is loud (--mark): white then, black otherwise.
"""

from __future__ import annotations

import signal
import subprocess
import wave
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("aiortc")
from tests.server.browsers import Browser, Chromium, chromium
from tests.server.calls.callers import joined, make_room
from tests.server.conftest import SMALL, Server, serving

FAST, MIDDLE, SLOW = 0.7, 2.5, 4.0  # seconds of silence after each sentence
PERIOD = 50  # pictures, of 25 a second: more than from a fast word to the next
OTHER = "document.querySelector('#others .tile')"
STATE = "document.querySelector('#state').dataset.state"
WORDS = "document.querySelector('#state-words').textContent"
NUMBERS = "document.querySelector('#numbers').innerText"
LIVE = f"({STATE} === 'live' && {OTHER}?.dataset.state === 'live')"
UNCHANGED = """(() => {
  const devices = navigator.mediaDevices, asked = devices.getUserMedia.bind(devices);
  devices.getUserMedia = ({audio}) => {
    window.asked = {...audio};
    return asked({audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
  };
})()"""  # a file hears no echo: what is taken out of it because somebody else speaks just then is missing
WATCH = """() => {
  const look = (video) => {
    const canvas = new OffscreenCanvas(8, 8).getContext("2d", {willReadFrequently: true});
    const seen = video.seen = {pictures: 0, marks: 0, silences: [], light: 0};
    let white = false, ended = NaN;
    const next = (_now, {mediaTime}) => {
      canvas.drawImage(video, 0, 0, 8, 8, 0, 0, 8, 8);
      const mark = canvas.getImageData(2, 2, 1, 1).data[0] > 128;
      canvas.drawImage(video, 0, 0, 8, 8);
      seen.light = canvas.getImageData(2, 2, 4, 4).data.reduce((sum, one, at) => at % 4 < 3 ? sum + one : sum, 0) / 48;
      seen.pictures += 1;
      seen.marks += mark && !white;
      if (mark && !white && ended) seen.silences.push(mediaTime - ended);
      if (!mark && white) ended = mediaTime;
      white = mark;
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  };
  for (const video of document.querySelectorAll("#others video")) if (!video.seen) look(video);
  return document.querySelector("#others video").seen;
}"""


def seen(page: Browser) -> SimpleNamespace:
    """What was seen of the one other caller since it was first asked for.

    marks: how often one began. silences: seconds between them. light: mean of the picture's middle, 0 to 255.
    """
    return SimpleNamespace(**page.run(f"({WATCH})()"))


def goes_on(page: Browser, condition: str) -> SimpleNamespace:
    """Waits until it is true of `seen`, before the next picture and later."""
    page.run(f"void ({WATCH})()")
    page.until(f"((seen) => {condition})(({WATCH})())")
    return seen(page)


def spoken(folder: Path, voice: str, text: str, silence: float) -> Path:
    """A microphone: one sentence, loud, and silence, again and again."""
    sentence, path = folder / "sentence.wav", folder / "microphone.wav"
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(sentence)], check=True)
    with wave.open(str(sentence)) as read, wave.open(str(path), "w") as written:
        samples = np.frombuffer(read.readframes(read.getnframes()), np.int16).astype(float)
        loud = (samples / np.abs(samples).max() * 30_000).astype(np.int16)
        quiet = np.zeros(round(silence * read.getframerate()), np.int16)
        written.setparams(read.getparams())
        written.writeframes(np.concatenate([loud, quiet]).tobytes())
    return path


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Iterator[Server]:
    """A server with two heroes: one as it is, and one in the dark."""
    folder = tmp_path_factory.mktemp("relay")
    with Image.open(hero) as picture:
        Image.eval(picture.convert("RGB"), lambda value: value // 2).save(folder / "dark.png")
    faces = ("--face", hero, "--face", f"dark={folder / 'dark.png'}")
    with serving(folder / "serve", *faces, *SMALL, "--mark") as running:
        yield running


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Chromium, Chromium]]:
    """Two browsers, whose microphones have two rhythms."""
    with ExitStack() as stack:
        one, other = (tmp_path_factory.mktemp(name) for name in ("anna", "bob"))
        anna = stack.enter_context(chromium(one, spoken(one, "slt", "Hello, my friend.", FAST)))
        bob = stack.enter_context(chromium(other, spoken(other, "rms", "Nobody was at home.", SLOW)))
        for page in (anna, bob):
            page.before_pages(UNCHANGED)
            page.resize(640, 480)  # there is less to draw
        yield anna, bob


def enter(page: Browser, url: str, name: str) -> None:
    """Joins as people do."""
    page.goto(url)
    page.until("document.querySelectorAll('#join-heroes [type=radio]').length >= 2")
    page.run(f"void (document.querySelector('#name').value = {name!r})")
    page.click("#join-button")


@pytest.fixture(scope="module")
def talk(relay: Server, windows: tuple[Chromium, Chromium]) -> Iterator[tuple[Chromium, Chromium]]:
    """Anna starts a call, and Bob follows her link."""
    anna, bob = windows
    anna.goto(f"http://localhost:{relay.port}/call")
    anna.click("#start-button")
    anna.until("document.querySelectorAll('#join-heroes [type=radio]').length >= 2")
    anna.click("#check")
    anna.until("document.querySelector('#level').value > 0.2")
    enter(anna, anna.run("location.href"), "Anna")
    anna.until(f"{STATE} === 'live' && !document.querySelector('#alone').hidden")
    enter(bob, anna.run("location.href"), "Bob")
    for page in windows:
        page.until(LIVE)
    yield windows
    for page in windows:
        page.leave()


def test_each_sees_the_others_hero_move_with_the_others_words(talk: tuple[Chromium, Chromium]) -> None:
    anna, bob = talk
    assert anna.run(f"{OTHER}.innerText") == "Bob"
    assert bob.run(f"{OTHER}.innerText") == "Anna"
    assert bob.run("[...document.querySelectorAll('video')].map((it) => it.muted)") == [False, True]  # the own one
    wanted = {"echoCancellation": True, "noiseSuppression": True, "autoGainControl": True, "channelCount": 1}
    assert anna.run("asked") == wanted
    goes_on(anna, f"Math.max(...seen.silences) > {MIDDLE}")
    assert np.median(goes_on(bob, "seen.silences.length >= 5").silences) < MIDDLE  # a slow machine may miss one
    anna.until(f"/Round trip \\d+ ms .* ↑ \\d+ ↓ \\d+ kbit/.test({NUMBERS})")
    assert anna.trouble() == bob.trouble() == []


def test_who_is_muted_says_nothing_and_is_seen_as_muted(talk: tuple[Chromium, Chromium]) -> None:
    anna, bob = talk
    anna.press("m")
    bob.until(f"{OTHER}.innerText.includes('muted')")
    assert "You are muted" in anna.run(WORDS)
    begun = goes_on(bob, f"seen.pictures > {seen(bob).pictures + PERIOD}")  # what was on its way has come
    later = goes_on(bob, f"seen.pictures > {begun.pictures + PERIOD}")
    assert later.marks == begun.marks
    anna.click("#mute")
    goes_on(bob, f"seen.marks > {later.marks}")
    assert bob.run(f"{OTHER}.innerText") == "Anna"


def test_another_hero_and_ones_own_picture_are_seen_at_once(talk: tuple[Chromium, Chromium]) -> None:
    anna, bob = talk
    light = seen(bob).light
    anna.click("#hero")
    anna.click("#chooser-heroes label:nth-of-type(2)")
    goes_on(bob, f"seen.light < {0.7 * light}")
    anna.run(
        """(async () => {
          const picture = await (await fetch(document.querySelector("#chooser-heroes img").src)).blob();
          const files = new DataTransfer();
          files.items.add(new File([picture], "me.jpg", {type: "image/jpeg"}));
          const field = document.querySelector("#chooser-heroes [type=file]");
          field.files = files.files;
          field.dispatchEvent(new Event("change"));
        })()"""
    )
    goes_on(bob, f"seen.light > {0.8 * light}")
    anna.until("document.querySelectorAll('#chooser-heroes :checked').length === 1")
    assert anna.run("document.querySelector('#chooser-heroes label:has(:checked)').innerText") == "Brought along"
    anna.click("#chooser button")
    assert anna.trouble() == bob.trouble() == []


def test_faces_by_button_and_key(talk: tuple[Chromium, Chromium]) -> None:
    anna, bob = talk
    pressed = "[...document.querySelectorAll('#faces [aria-pressed=true]')].map((it) => it.ariaLabel).join()"
    anna.press("1")
    anna.until(f"{pressed} === 'Joy'")
    assert anna.run("document.querySelector('#said').textContent") == "Joy."
    assert bob.run(pressed) == ""  # the other's face is the other's
    anna.click("#faces [data-face=anger]")
    anna.until(f"{pressed} === 'Anger'")
    anna.press("9")  # passes, and takes nothing away
    anna.until("document.querySelector('#faces .passing')?.dataset.face === 'wink'")
    anna.until("document.querySelector('#faces .passing') === null")
    assert anna.run(pressed) == "Anger"
    anna.press("ArrowRight")  # one stop for Tab, the arrows go on
    anna.press("Space")
    anna.until(f"{pressed} === 'Fear'")
    assert anna.run("document.querySelectorAll('#faces [tabindex=\"0\"]').length") == 1
    anna.press("0")
    anna.until(f"{pressed} === ''")
    anna.click("#hero")  # while something else has the keys
    anna.press("1")
    anna.click("#chooser button")
    anna.press("4")
    anna.until(f"{pressed} === 'Anger'")
    anna.press("4")
    anna.until(f"{pressed} === ''")
    assert anna.trouble() == bob.trouble() == []


def test_a_hidden_voice_moves_the_hero_as_well(talk: tuple[Chromium, Chromium]) -> None:
    anna, bob = talk
    for semitones in ("4", "0"):
        anna.run(f"void (document.querySelector('#chooser-voice').value = '{semitones}')")
        anna.run("void document.querySelector('#chooser-voice').dispatchEvent(new Event('change'))")
        anna.until(f"document.querySelector('#join-voice').value === '{semitones}' && {LIVE}")
        goes_on(bob, f"seen.marks > {seen(bob).marks + 2}")
    assert anna.trouble() == bob.trouble() == []


def test_after_a_cut_all_is_live_again(talk: tuple[Chromium, Chromium], relay: Server) -> None:
    """The server hears and says nothing for a while, as if the network were gone."""
    relay.process.send_signal(signal.SIGSTOP)
    try:
        for page in talk:
            page.until(f"{STATE} === 'reconnecting' && {OTHER}.dataset.state === 'reconnecting'")
    finally:
        relay.process.send_signal(signal.SIGCONT)
    for page in talk:
        page.until(LIVE)
        goes_on(page, f"seen.marks > {seen(page).marks}")
    for page in talk:
        page.forget()  # the browser's own reports of what did not get through


def test_where_udp_is_blocked_it_goes_over_http(talk: tuple[Chromium, Chromium], tmp_path: Path) -> None:
    _, bob = talk
    blocked = ("--webrtc-ip-handling-policy=disable_non_proxied_udp", "--force-webrtc-ip-handling-policy")
    with chromium(tmp_path, spoken(tmp_path, "kal16", "Can you hear me?", FAST), more=blocked) as carl:
        carl.before_pages(UNCHANGED)
        room = talk[0].run("location.href")
        talk[0].click("#hang-up")
        talk[0].until("document.querySelector('#over-title').textContent === 'You have left the call'")
        bob.until("!document.querySelector('#alone').hidden")
        enter(carl, room, "Carl")
        carl.until("document.querySelector('#notice').innerText.startsWith('UDP is blocked here, so pictures come')")
        carl.until(LIVE)
        goes_on(carl, "seen.marks > 0")
        bob.until(f"{LIVE} && {OTHER}.innerText === 'Carl'")
        goes_on(bob, "seen.marks > 1")
        carl.until(f"((up) => up > 5 && up < 60)(/↑ (\\d+) ↓ \\d+ kbit/.exec({NUMBERS})?.[1])")  # Opus, at any rate
        carl.click("#hang-up")
        bob.until("!document.querySelector('#alone').hidden")
        assert carl.trouble() == []


def test_hanging_up_leaves_nothing(talk: tuple[Chromium, Chromium]) -> None:
    anna, bob = talk
    for page in (anna, bob):
        page.run("document.querySelector('#hang-up').click()")
        page.until("!document.querySelector('#over').hidden")
    anna.until("document.querySelectorAll('.tile').length === 0")
    end = "(await (await fetch('/healthz')).json())"
    anna.until(f"((health) => health.sessions === 0 && health.viewers === 0)({end})", 90)
    assert anna.trouble() == bob.trouble() == []


def test_the_fifth_waits_in_the_lobby_and_comes_in_by_itself(windows: tuple[Chromium, Chromium], relay: Server) -> None:
    page, _ = windows
    room = make_room(relay)
    with ExitStack() as stack:
        bots = [stack.enter_context(joined(relay, room, f"Bot {number}")) for number in range(4)]
        enter(page, f"http://localhost:{relay.port}/call/{room}", "Anna")
        page.until(f"{STATE} === 'lobby' && {WORDS}.includes('number 1 in the lobby')")
        bots[0].say('{"type":"leave"}')
        page.until(f"{STATE} === 'live' && {WORDS}.includes('4 are here')")
        page.until("document.querySelectorAll('#others [data-state=live], #mine [data-state=live]').length === 4")
        page.resize(390, 844)
        assert page.run("document.documentElement.scrollHeight <= innerHeight")
        page.resize(640, 480)
        page.click("#hang-up")
        page.until("!document.querySelector('#over').hidden")
        assert page.trouble() == []


PITCH = """async (semitones, frequency) => {
  const context = new OfflineAudioContext(1, 48000, 48000);
  await context.audioWorklet.addModule("/voice-worklet.js");
  const voice = new AudioWorkletNode(context, "voice", {processorOptions: {semitones}});
  voice.connect(context.destination);
  for (let overtone = 1; overtone < 8; overtone++) {
    const tone = new OscillatorNode(context, {frequency: frequency * overtone});
    tone.connect(new GainNode(context, {gain: 0.3 / overtone})).connect(voice);
    tone.start();
  }
  const heard = (await context.startRendering()).getChannelData(0).slice(12000);
  const alike = (lag) => heard.slice(0, 12000).reduce((sum, one, at) => sum + one * heard[at + lag], 0);
  let best = 80;
  for (let lag = 80; lag < 600; lag++) if (alike(lag) > 1.001 * alike(best)) best = lag;
  return [48000 / best, alike(best) / alike(0)];
}"""


def test_a_hidden_voice_has_another_pitch_and_goes_on_without_gaps(windows: tuple[Chromium, Chromium]) -> None:
    """A voice that hums: its pitch is moved by what was asked for, and each period is like the next."""
    page, _ = windows
    for semitones in (-4, 4):
        for frequency in (110, 200):
            pitch, likeness = page.run(f"({PITCH})({semitones}, {frequency})")
            assert pitch == pytest.approx(frequency * 2 ** (semitones / 12), rel=0.02)
            assert likeness > 0.99


def test_who_may_not_use_the_microphone_is_told_so_and_can_listen(tmp_path: Path, relay: Server) -> None:
    room, no_prompts = make_room(relay), ("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    with chromium(tmp_path, more=no_prompts) as page, joined(relay, room):
        enter(page, f"http://localhost:{relay.port}/call/{room}", "Dora")
        page.until("document.querySelector('#join-why').innerText.startsWith('The microphone is not allowed: allow')")
        page.click("#listen")
        page.until(f"{STATE} === 'live' && {WORDS}.endsWith('You only listen.')")
        page.until(LIVE)
        page.goto(f"http://localhost:{relay.port}/call/nobody-knows")
        page.until("document.querySelector('#over-title').textContent === 'There is no such call'")
