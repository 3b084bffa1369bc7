"""Pages over TLS, and what a page says that came without it from another machine."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.server import browsers
from tests.server.browsers import ELSEWHERE, Browser
from tests.server.conftest import SMALL, serving
from tests.server.page_site import Site

INSECURE = "import('./secure.js').then(({insecure}) => insecure(%s))"
SHOWN = "document.querySelector('#video').getVideoPlaybackQuality().totalVideoFrames"
LIVE = "document.querySelector('#stage').dataset.state === 'live'"


def test_a_page_of_this_machine_has_nothing_to_explain(window: Browser, the_site: Site) -> None:
    window.goto(the_site.url)
    assert window.run(INSECURE % "") is None


def test_a_page_of_another_machine_says_what_to_type(window: Browser, the_site: Site) -> None:
    port = urlsplit(the_site.url).port
    window.goto(f"http://{ELSEWHERE}:{port}/")
    assert window.run("isSecureContext") is False
    words = window.run(INSECURE % "")
    assert "--tls-self-signed" in words
    assert f"ssh -L {port}:localhost:{port} {ELSEWHERE} " in words
    assert words.count(".") == 2, "one sentence, and the dot of a name"


@pytest.mark.parametrize(
    ("hostname", "port", "command"),
    [
        ("studio", "", "ssh -L 8080:localhost:80 studio "),
        ("[2001:db8::7]", "9000", "ssh -L 9000:localhost:9000 2001:db8::7 "),
    ],
)
def test_the_tunnel_is_one_that_can_be_typed(
    window: Browser, the_site: Site, hostname: str, port: str, command: str
) -> None:
    window.goto(the_site.url)
    where = {"isSecureContext": False, "location": {"hostname": hostname, "port": port}}
    assert command in window.run(INSECURE % json.dumps(where))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_the_viewer_page_is_live_with_a_certificate_made_at_the_start(tmp_path: Path, hero: Path, name: str) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    with (
        serving(tmp_path / "serve", "--face", hero, *SMALL, "--tls-self-signed") as server,
        getattr(browsers, name)(profile, trusting=True) as window,
    ):
        url = server.announced["url"]
        assert url == f"https://127.0.0.1:{server.port}/"
        window.goto(url)
        window.until(f"{LIVE} && {SHOWN} > 25")
        assert window.run("isSecureContext")
        assert window.run(INSECURE % "") is None
        commands = window.run("[...document.querySelectorAll('#commands code')].map((it) => it.textContent)")
        assert commands[0] == f"txt2vid send --mic wss://127.0.0.1:{server.port}/speak --session hero"
        assert window.trouble() == []
