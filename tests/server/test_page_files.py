"""The viewer page's files: no other site is needed, nothing is too pale, no file too long."""

from __future__ import annotations

import pytest

from tests.server.page_site import PAGES, colours


def luminance(colour: str) -> float:
    """Relative, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(scheme: str) -> None:
    """Level AA of WCAG 2.2 for text of any size."""
    known = colours()[scheme]
    grounds = ("paper", "card", "hover", "chosen")
    pairs = [(text, ground) for text in ("ink", "soft", "accent") for ground in grounds] + [("on-accent", "accent")]
    for pair in pairs:
        dark, light = sorted(luminance(known[name]) for name in pair)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, pair


def test_pages_need_no_other_site() -> None:
    """No address of another host, no inline style: the policy would stop them, and the page must work offline."""
    for path in PAGES.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text.replace("`http:", ""), path
        assert "https://" not in text, path
        assert "style=" not in text, path
        assert path.suffix == ".svg" or len(text.splitlines()) <= 300, path
