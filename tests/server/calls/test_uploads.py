"""Pictures that callers bring: good ones, and what else may come."""

from __future__ import annotations

import asyncio
import io
import os
import stat
import struct
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.server.calls.callers import Caller, joined, make_room
from txt2vid.core.callwire import ChooseHero, Leave
from txt2vid.server import limits
from txt2vid.server.calls.redraw import redraw
from txt2vid.server.calls.uploads import Pictures, Unfit, check

Server = Any  # of conftest.py, which tests cannot import
ShortLived = Callable[..., Any]
ORIENTATION, GPS = 0x0112, 0x8825


def photograph(hero: Path, form: str = "JPEG") -> bytes:
    """The hero as a telephone would have taken it: on its side, with where and by what."""
    with Image.open(hero) as image:
        lying = image.convert("RGB").resize((400, 600)).rotate(90, expand=True)
    exif = lying.getexif()
    exif[ORIENTATION] = 6  # to be turned by 90 degrees clockwise
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    file = io.BytesIO()
    lying.save(file, form, exif=exif, **({"comment": b"SecretComment"} if form == "JPEG" else {}))
    return file.getvalue()


def plain(size: tuple[int, int] = (200, 200), form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (120, 130, 140)).save(file, form, **options)
    return file.getvalue()


def moving(form: str) -> bytes:
    others = [Image.new("RGB", (200, 200), (shade, 0, 0)) for shade in (80, 160)]
    return plain(form=form, save_all=True, append_images=others)


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few bytes that says it has that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


HTML = b"<!DOCTYPE html><script>alert(1)</script>" + b" " * 1000
NO_PICTURES = {
    "nothing": b"",
    "html": HTML,
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a bomb": bomb(),
    "just too large": bomb(8_001, 5_000),
    "a gif": plain(form="GIF"),
    "a bitmap": plain(form="BMP"),
    "too large a webp": plain((4_001, 4_000), "WEBP", quality=0, method=0),
    "too small": plain((30, 30)),
    "moving webp": moving("WEBP"),
    "moving png": moving("PNG"),
    "its head alone": plain()[:40],
    "noise": bytes(range(256)) * 20,
}


@pytest.mark.parametrize("data", NO_PICTURES.values(), ids=NO_PICTURES)
def test_what_is_refused_before_it_is_decoded(data: bytes) -> None:
    with pytest.raises(Unfit) as refused:
        check(data)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_what_is_kept_is_upright_and_holds_pixels_alone(hero: Path, tmp_path: Path, form: str) -> None:
    data = photograph(hero, form)
    assert b"SecretCamera" in data
    check(data)
    kept = redraw(data, tmp_path, "upload-x")
    assert [path.name for path in tmp_path.iterdir()] == ["upload-x.png"]
    assert b"Secret" not in kept.read_bytes()
    with Image.open(kept) as image:
        image.load()
        assert (image.format, image.size) == ("PNG", (400, 600))
        assert not image.info
        assert not image.getexif()


def test_large_pictures_are_shrunk(tmp_path: Path) -> None:
    with Image.open(redraw(plain((3000, 1500), "JPEG"), tmp_path, "a")) as image:
        assert image.size == (limits.UPLOAD_SIZE, limits.UPLOAD_SIZE // 2)


def kept(data: bytes) -> bytes:
    """As the server takes it: the PNG that it keeps. Nothing is left in the end."""

    async def scene() -> bytes:
        pictures = Pictures()
        try:
            path = await pictures.keep(data, "a")
            assert [each.name for each in path.parent.iterdir()] == ["a.png"]
            return path.read_bytes()
        finally:
            await pictures.close()

    return asyncio.run(scene())


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_picture_leaves_nothing_behind(hero: Path, temporary: Path, form: str) -> None:
    data = photograph(hero, form)
    with pytest.raises(Unfit):
        kept(data[: len(data) // 2])
    assert not list(temporary.iterdir())


def test_a_picture_that_takes_too_long_is_given_up(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DRAWING_SECONDS", 0.01)  # no process starts as quickly
    with pytest.raises(Unfit, match="damaged"):
        kept(plain())
    assert not list(temporary.iterdir())


def test_what_a_killed_server_has_left_is_deleted(temporary: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = temporary / f"txt2vid-call-{gone.pid}-abc"
    running = temporary / f"txt2vid-call-{os.getppid()}-abc"
    for folder in (left, running):
        folder.mkdir()
        (folder / "upload-x.png").touch()
    assert kept(plain()).startswith(b"\x89PNG")
    assert not left.exists()
    assert running.exists()


def bring(server: Server, room: str, caller: Caller, body: bytes | Iterator[bytes]) -> Any:
    return server.ask(f"/call/{room}/heroes", "POST", body, Authorization=caller.bearer)


def small(server: Server, path: str, caller: Caller) -> Any:
    return server.ask(f"{path}?token={caller.token}")


def sizes(stream: bytes) -> set[tuple[int, int]]:
    """Of the pictures in MPEG-TS."""
    command = ["ffprobe", "-v", "quiet", "-f", "mpegts", "-select_streams", "v", "-show_entries", "frame=width,height"]
    done = subprocess.run([*command, "-of", "csv=p=0", "-"], input=stream, capture_output=True, check=False, timeout=60)
    rows = [row.split(",") for row in done.stdout.decode().split() if row]
    return {(int(row[0]), int(row[1])) for row in rows if len(row) >= 2}


def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return value


def test_a_picture_becomes_a_hero_of_its_room_alone(short_lived: ShortLived, hero: Path, tmp_path: Path) -> None:
    with short_lived(empty=0.2) as server:
        room, other = make_room(server), make_room(server)
        with joined(server, room) as anna, joined(server, room) as bob, joined(server, other) as stranger:
            answer = bring(server, room, anna, photograph(hero))
            assert answer.status == 201, answer.body
            name, path = answer.json["name"], answer.json["picture"]
            assert name.startswith("upload-")
            assert {"name": name, "picture": path} in bob.until("heroes")["heroes"]

            picture = small(server, path, bob)
            assert (picture.status, picture.headers["Content-Type"]) == (200, "image/jpeg")
            with Image.open(io.BytesIO(picture.body)) as image:
                assert (image.format, max(image.size), image.size[0] < image.size[1]) == ("JPEG", 256, True)
                assert not image.getexif()
            assert small(server, f"/call/{room}/heroes/twin.jpg", bob).status == 200  # the server's own
            assert small(server, f"/call/{room}/heroes/nobody.jpg", bob).status == 404
            assert server.ask(path).status == 401
            assert small(server, path, stranger).status == 401
            assert small(server, f"/call/{other}/heroes/{name}.jpg", stranger).status == 404

            about = f"/api/sessions/{anna.session}?token={bob.token}"
            with server.open(f"/s/{anna.session}/stream.ts", Authorization=bob.bearer) as stream:
                assert stream.read(30_000)
                assert (server.ask(about).json["width"], server.ask(about).json["height"]) == (128, 128)
                anna.say(ChooseHero(name))
                bob.sees(lambda members: members[0]["hero"] == name)
                assert (server.ask(about).json["width"], server.ask(about).json["height"]) == (86, 128)
                assert server.ask(about).json["face"] == name
                until(lambda: stream.read(4_000) and (86, 128) in sizes(stream.read(80_000)))
            stranger.say(ChooseHero(name))
            while (heard := stranger.hear())["type"] != "error":
                pass
            assert (heard["code"], heard["warning"]) == ("hero", True)
            assert name not in server.ask("/api/sessions").body.decode()
            assert server.ask(f"/s/{name}/stream.ts").status == 404

            (folder,) = (tmp_path / "serve").glob("txt2vid-call-*")
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert [file.name for file in folder.iterdir()] == [f"{name}.png"]
            anna.say(Leave())
            bob.say(Leave())
            until(lambda: not list(folder.iterdir()))  # it went with its room
            assert bring(server, other, stranger, photograph(hero)).status == 201
            assert list(folder.iterdir())
        server.process.terminate()
        assert server.process.wait(30) == 0
        assert not folder.exists()


def test_what_is_not_taken(short_lived: ShortLived, hero: Path, tmp_path: Path) -> None:
    with short_lived(uploads=1) as server:
        room = make_room(server)
        with joined(server, room) as anna:
            for body in (HTML, b"", bomb(), moving("WEBP"), plain()):
                answer = bring(server, room, anna, body)
                assert (answer.status, answer.json["code"]) == (422, "picture"), answer.body
                assert answer.body.count(b"\n") == 0
                assert str(tmp_path) not in answer.json["error"]
            assert server.ask(f"/call/{room}/heroes", "POST", plain()).status == 401
            assert server.ask(f"/call/{room}/heroes?token={anna.token}", "POST", plain()).status == 401
            assert server.ask("/call/of-nobody/heroes", "POST", plain(), Authorization=anna.bearer).status == 404
            too_long = bytes(limits.MAX_UPLOAD + 1)
            assert bring(server, room, anna, too_long).status == 413
            assert bring(server, room, anna, iter([too_long[: 1 << 20]] * 9)).status == 413
            assert not list((tmp_path / "serve").glob("txt2vid-call-*/*"))
            assert server.metric("txt2vid_uploads_refused_total") == 9
            assert bring(server, room, anna, photograph(hero)).status == 201
            answer = bring(server, room, anna, photograph(hero))
            assert (answer.status, answer.json["code"]) == (503, "full")
            statuses = [bring(server, room, anna, HTML).status for _ in range(12)]
            assert statuses[-1] == 429
        assert "Traceback" not in server.log
