"""How soon a call is back after a network cut: two Chromiums in a network namespace, the server in another.

    sudo python benchmarks/call_cut.py [--way link|lost] [--seconds 8] [--times 5] [--shared] [--log]

link: the browsers' end of the wire is taken down, and up again; lost: packets go nowhere, and nobody is told. --shared:
the browsers have another network beside the wire, which leads nowhere. Told are seconds from the wire's return until
each browser shows the other's pictures again, and until its page says that all is live; --log: what happened meanwhile.
Needs root, iproute2, chromium and flite.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.server.browsers import Chromium, chromium  # noqa: E402
from tests.server.conftest import Server  # noqa: E402
from txt2vid.interrupts import unwind_on  # noqa: E402

NEAR, FAR, WIRE = "txt2vid-callers", "txt2vid-relay", "t2vcut"
CALLER, RELAY = "10.87.7.1", "10.87.7.2"
NOWHERE = "02:00:00:00:00:01"  # a hardware address that nobody has
PATIENCE = 90.0
WHAT = ("pictures after", "all live after")
TOKEN = "f1d2d2f924e986ac86fdf7b36c94bcdf"  # noqa: S105 - of this server alone
LIVE = """(document.querySelector('#state').dataset.state === 'live'
  && document.querySelector('#others .tile')?.dataset.state === 'live')"""
RECORD = """(() => {
  const log = (window.log = []);
  const say = (...words) => log.push([Date.now() / 1000, words.join(" ")]);
  const Real = RTCPeerConnection;
  let count = 0;
  globalThis.RTCPeerConnection = class extends Real {
    constructor(...options) {
      super(...options);
      const name = `peer ${count++}`;
      say(name, "is made");
      for (const what of ["iceConnectionState", "connectionState"]) {
        this.addEventListener(what.toLowerCase() + "change", () => say(name, what, this[what]));
      }
    }
  };
  for (const what of ["online", "offline"]) addEventListener(what, () => say(what));
  const ask = fetch;
  globalThis.fetch = async (path, about) => {
    say("asks", about?.method ?? "GET", path);
    try {
      const answer = await ask(path, about);
      say("is answered", answer.status, path);
      return answer;
    } catch (error) { say("is not answered", path, error); throw error; }
  };
  let seen = 0, at = 0, shown = {};
  setInterval(() => {
    const of = (where) => document.querySelector(where)?.dataset.state;
    const room = document.querySelector("#state-words")?.textContent;
    const state = {room, all: of("#state"), tile: of("#others .tile"), mine: of("#mine .tile")};
    for (const [key, value] of Object.entries(state)) if (shown[key] !== value) say(key, value);
    shown = state;
    const pictures = document.querySelector("#others video")?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    if (pictures !== seen) {
      const now = Date.now();
      if (now - at > 500) say("pictures after", now - at, "ms");
      seen = pictures, at = now;
    }
  }, 20);
})()"""


def ip(*arguments: str) -> None:
    """One command of iproute2."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextmanager
def wired() -> Iterator[None]:
    """Two namespaces and a wire between them."""
    for space in (NEAR, FAR):
        subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)
        ip("netns", "add", space)
        ip("-n", space, "link", "set", "lo", "up")
    try:
        ip("link", "add", f"{WIRE}a", "netns", NEAR, "type", "veth", "peer", "name", f"{WIRE}b", "netns", FAR)
        for space, end, address in ((NEAR, f"{WIRE}a", CALLER), (FAR, f"{WIRE}b", RELAY)):
            ip("-n", space, "addr", "add", f"{address}/24", "dev", end)
            ip("-n", space, "link", "set", end, "up")
        yield
    finally:
        for space in (NEAR, FAR):
            ip("netns", "del", space)


@contextmanager
def relay(folder: Path, face: Path) -> Iterator[Server]:
    """A server at the far end."""
    folder.mkdir()
    command = ["ip", "netns", "exec", FAR, sys.executable, "-m", "txt2vid", "serve", "--json", "--host", RELAY]
    command += ["--port", "0", "--face", str(face), "--size", "256", "--workers", "1", "--token", TOKEN]
    log = folder / "serve.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        yield Server(process, log)
    finally:
        process.terminate()
        process.wait(30)


def microphone(folder: Path) -> Path:
    """Somebody who speaks."""
    path = folder / "microphone.wav"
    text = "Can you hear me? I shall go on speaking until the network is back again."
    subprocess.run(["flite", "-t", text, "-o", str(path)], check=True)
    return path


class Cut:
    """Cuts the wire, one way or the other."""

    def __init__(self, way: str) -> None:
        self._way = way
        self._known = {space: self._address(space) for space in (NEAR, FAR)}

    def begin(self) -> None:
        """Nothing gets through any more."""
        self._set("down", {NEAR: NOWHERE, FAR: NOWHERE})

    def end(self) -> None:
        """All is as it was."""
        self._set("up", {NEAR: self._known[FAR], FAR: self._known[NEAR]})

    def _set(self, link: str, neighbours: dict[str, str]) -> None:
        if self._way == "link":
            ip("-n", NEAR, "link", "set", f"{WIRE}a", link)
            return
        for space, end, other in ((NEAR, f"{WIRE}a", RELAY), (FAR, f"{WIRE}b", CALLER)):
            ip("-n", space, "neigh", "replace", other, "lladdr", neighbours[space], "nud", "permanent", "dev", end)

    @staticmethod
    def _address(space: str) -> str:
        end = f"{WIRE}a" if space == NEAR else f"{WIRE}b"
        path = f"/sys/class/net/{end}/address"
        shown = subprocess.run(["ip", "netns", "exec", space, "cat", path], check=True, capture_output=True, text=True)
        return shown.stdout.strip()


def join(page: Chromium, url: str) -> None:
    """Comes into the call."""
    page.goto(url)
    page.until("document.querySelectorAll('#join-heroes [type=radio]').length >= 1")
    page.click("#join-button")


def again(page: Chromium, since: float) -> tuple[float, float] | None:
    """Seconds from then until pictures came, and until all was live; None while one of them is not so."""
    log = [(when - since, words) for when, words in page.run("window.log") if when > since]
    pictures = next((when for when, words in log if words.startswith("pictures")), None)
    if pictures is None or not page.run(LIVE):
        return None
    return pictures, max((when for when, words in log if words in ("tile live", "all live")), default=0.0)


def one(pages: list[Chromium], cut: Cut, seconds: float, *, log: bool) -> list[tuple[float, float]]:
    """One cut, and what `again` says of each page."""
    for page in pages:
        page.run("void (window.log.length = 0)")
    begun = time.time()
    cut.begin()
    while time.time() < begun + seconds:
        for page in pages:
            page.run("1")  # a browser that is not listened to hangs up
        time.sleep(min(1.0, max(0.0, begun + seconds - time.time())))
    back = time.time()
    cut.end()
    found: list[tuple[float, float] | None] = [None] * len(pages)
    while None in found:
        if time.time() > back + PATIENCE:
            raise SystemExit(f"not back: {[page.run('window.log') for page in pages]}")
        found = [known or again(page, back) for known, page in zip(found, pages, strict=True)]
        time.sleep(0.1)
    if log:
        for number, page in enumerate(pages):
            for when, words in page.run("window.log"):
                print(f"   {number}  {when - begun:7.2f} {when - back:+7.2f}  {words}")
    return [each for each in found if each is not None]


def measure(options: argparse.Namespace, port: int, page_folder: Path) -> None:
    """In the callers' namespace: calls, cuts, tells."""
    origin = f"http://{RELAY}:{port}"
    with ExitStack() as stack:
        pages = []
        for name in ("anna", "bob"):
            folder = page_folder / name
            folder.mkdir()
            more = (f"--unsafely-treat-insecure-origin-as-secure={origin}",)
            page = stack.enter_context(chromium(folder, microphone(folder), more=more))
            page.before_pages(RECORD)
            page.resize(640, 480)
            pages.append(page)
        pages[0].goto(f"{origin}/call?token={TOKEN}")
        pages[0].click("#start-button")
        pages[0].until(
            "location.pathname.length > 12 && document.querySelectorAll('#join-heroes [type=radio]').length >= 1"
        )
        url = pages[0].run("location.href")
        for page in pages:
            join(page, url)
        for page in pages:
            page.until(LIVE)
        time.sleep(4)
        found, cut = [], Cut(options.way)
        for _ in range(options.times):
            found += one(pages, cut, options.seconds, log=options.log)
            print(*(f"{name} {value:.2f} s" for each in found[-2:] for name, value in zip(WHAT, each, strict=True)))
            time.sleep(6)
        for name, values in zip(WHAT, zip(*found, strict=True), strict=True):
            middle = statistics.median(values)
            print(
                f"{options.way} {options.seconds:g} s: {name} {middle:.2f} s ({min(values):.2f} to {max(values):.2f})"
            )


def main() -> None:
    """Builds the networks, and runs itself in the callers'."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", choices=["link", "lost"], default="link")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--shared", action="store_true")
    parser.add_argument("--face", type=Path, default=ROOT / "sample_data" / "hero.png")
    parser.add_argument("--log", action="store_true")
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unwind_on(signal.SIGTERM)  # nobody else would end the server, or the browsers
    if options.inside:
        measure(options, int(options.inside[0]), Path(options.inside[1]))
        return
    with wired(), tempfile.TemporaryDirectory() as folder, relay(Path(folder) / "serve", options.face) as server:
        if options.shared:
            ip("-n", NEAR, "link", "add", "other", "type", "dummy")
            ip("-n", NEAR, "addr", "add", "10.99.9.1/24", "dev", "other")
            ip("-n", NEAR, "link", "set", "other", "up")
        inside = ["ip", "netns", "exec", NEAR, sys.executable, *sys.argv, "--inside", str(server.port), folder]
        subprocess.run(inside, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


if __name__ == "__main__":
    main()
