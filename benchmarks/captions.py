"""How far a word in a call lights up from when it is heard, by WebRTC in a headless Chromium.

    python benchmarks/captions.py [--times 30] [--size 512] [--face sample_data/hero.png]

A text of one word is spoken for another member, again and again; the page's one clock tells when its word is lit, and
when its sound begins (before the output device). Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.server.browsers import Chromium, chromium  # noqa: E402
from tests.server.calls.callers import Caller, joined, make_room  # noqa: E402
from tests.server.conftest import Server, serving  # noqa: E402
from tests.server.test_call_page import LIVE, enter  # noqa: E402
from txt2vid.core.wire import Spoken, Text  # noqa: E402

WORD = "Apple."  # begins with a vowel: it is loud within a few ms
PAUSES = (1.6, 2.6)  # seconds: the word before is gone by then
NEAR = 800.0  # ms: what is further apart belongs to another word
HEAR = """() => {
  const edges = (window.edges = {lit: [], heard: []});
  window.hear = async () => {
    const context = new AudioContext({latencyHint: 0.005});
    await context.resume();
    const ear = context.createScriptProcessor(256, 1, 1);
    let quiet = 1e9;
    ear.onaudioprocess = ({inputBuffer}) => {
      const samples = inputBuffer.getChannelData(0), rate = context.sampleRate;
      const base = performance.now() - 1000 * samples.length / rate;
      for (let i = 0; i < samples.length; i++) {
        if (Math.abs(samples[i]) < 0.02) quiet += 1;
        else {
          if (quiet > 0.5 * rate) edges.heard.push(base + 1000 * i / rate);
          quiet = 0;
        }
      }
    };
    context.createMediaStreamSource(document.querySelector("#others video").srcObject).connect(ear);
    ear.connect(context.destination);
  };
  let lit = null;
  const look = () => {
    const word = document.querySelector("#others .said");
    if (word && word !== lit) edges.lit.push(performance.now());
    lit = word;
    setTimeout(look, 2);
  };
  addEventListener("DOMContentLoaded", look);
}"""


def silence(path: Path) -> Path:
    """A microphone."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(bytes(2 * 48_000))
    return path


def measure(server: Server, page: Chromium, bob: Caller, given: argparse.Namespace) -> Any:
    """The page's edges."""
    page.until(LIVE)
    page.run("hear()")
    page.press("c")
    with server.talk(session=bob.session, token=bob.token) as talk:
        for number in range(given.times):
            talk.say(Text(WORD, number))
            talk.until(Spoken)
            time.sleep(random.uniform(*PAUSES))  # noqa: S311 - all places of the frames' grid
    return page.run("edges")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--size", default="512")
    parser.add_argument("--face", type=Path, default=ROOT / "sample_data" / "hero.png")
    given = parser.parse_args()
    faces = ("--face", given.face.resolve(), "--face", f"other={given.face.resolve()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "browser").mkdir()
        with (
            serving(folder / "serve", *faces, "--size", given.size) as server,
            chromium(folder / "browser", silence(folder / "microphone.wav")) as page,
        ):
            page.before_pages(f"({HEAR})()")
            room = make_room(server)
            with joined(server, room, "Bob") as bob:
                enter(page, f"http://localhost:{server.port}/call/{room}", "Carl")
                edges = measure(server, page, bob, given)
    heard, lit = np.array(edges["heard"]), np.array(edges["lit"])
    pairs = [at - heard[np.argmin(np.abs(heard - at))] for at in lit] if len(heard) else []
    late = np.array([each for each in pairs if abs(each) < NEAR])
    if not len(late):
        sys.exit(f"of {given.times} words {len(lit)} were lit, {len(heard)} heard, and none was both")
    low, middle, high = np.percentile(late, [5, 50, 95])
    print(
        f"a word is lit after it is heard, ms: median {middle:.0f}  p5 {low:.0f}  p95 {high:.0f}  ({len(late)} words)"
    )


if __name__ == "__main__":
    main()
