"""Where things lie in a call, on screens of all shapes: the page's own rules, over tiles that say two lines each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.browsers import Browser, chromium
from tests.server.calls.callers import make_room

Server = Any  # of conftest.py, which tests cannot import
Box = dict[str, float]

LAY_OUT = """(count) => {
  document.body.dataset.view = "call";
  for (const one of document.querySelectorAll("main > *")) one.hidden = one.id !== "call";
  for (const id of ["alone", "notice"]) document.getElementById(id).hidden = true;
  for (const id of ["faces", "draw"]) document.getElementById(id).hidden = false;
  const said = "This is quite a long sentence that somebody says here, and more, so that it takes two lines at least.";
  const tile = (kind, name) => `<${kind} class="tile" data-state="live"><video></video><div class="captions"><p>${
    name === "You" ? "" : said}</p></div><p class="name"><span class="who">${name}</span></p></${kind}>`;
  const others = document.getElementById("others");
  others.dataset.count = String(count);
  others.innerHTML = ["Bob", "Dora Lindqvist", "Emil"].slice(0, count).map((name) => tile("li", name)).join("");
  document.getElementById("mine").innerHTML = tile("div", "You");
  const button = '<button type="button"><svg></svg><span>Surprise</span></button>';
  document.getElementById("faces").innerHTML = button.repeat(9);
}"""
BOXES = """(selector) => [...document.querySelectorAll(selector)].map((one) => {
  const { left, top, right, bottom } = one.getBoundingClientRect();
  return { left, top, right, bottom };
})"""


@pytest.fixture(scope="module")
def page(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("page")) as opened:
        opened.goto(f"http://127.0.0.1:{server.port}/call/{make_room(server)}")
        yield opened


def laid_out(page: Browser, width: int, height: int, count: int) -> None:
    page.resize(width, height)
    page.run(f"void ({LAY_OUT})({count})")


def boxes(page: Browser, selector: str) -> list[Box]:
    found: list[Box] = page.run(f"({BOXES})({selector!r})")
    assert found
    return found


def overlap(one: Box, other: Box) -> bool:
    apart = one["right"] <= other["left"] or other["right"] <= one["left"]
    return not (apart or one["bottom"] <= other["top"] or other["bottom"] <= one["top"])


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("size", [(844, 390), (667, 375), (390, 844), (768, 1024), (1280, 800)])
def test_words_cover_nothing_that_is_to_be_seen(page: Browser, size: tuple[int, int], count: int) -> None:
    laid_out(page, *size, count)
    (mine,) = boxes(page, "#mine")
    tiles, words, names = (boxes(page, f"#others {part}") for part in (".tile", ".captions p", ".name"))
    assert len(tiles) == len(words) == len(names) == count
    for tile, said, name in zip(tiles, words, names, strict=True):
        assert not overlap(said, mine)
        assert not overlap(said, name)
        assert tile["left"] <= said["left"] < said["right"] <= tile["right"]
        assert tile["top"] < said["top"] < said["bottom"] <= tile["bottom"]


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("size", [(844, 390), (667, 375)])
def test_a_phone_held_sideways_leaves_chins_free(page: Browser, size: tuple[int, int], count: int) -> None:
    laid_out(page, *size, count)
    for tile, said in zip(boxes(page, "#others .tile"), boxes(page, "#others .captions p"), strict=True):
        assert said["top"] > tile["top"] + 0.75 * (tile["bottom"] - tile["top"])
    (mine,) = boxes(page, "#mine")
    assert not any(overlap(tile, mine) for tile in boxes(page, "#others .tile"))
    faces = boxes(page, "#faces button")
    assert all(face["right"] - face["left"] >= 24 for face in faces)  # WCAG 2.2, 2.5.8
    assert not overlap(faces[-1], boxes(page, "#bar button")[0])
