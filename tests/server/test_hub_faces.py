"""What --face means."""

from __future__ import annotations

from pathlib import Path

import pytest

from txt2vid import errors
from txt2vid.core.wire import MAX_NAME, is_name
from txt2vid.errors import MediaError, UsageError, error_of
from txt2vid.server.faces import parse_faces, safe_name


def touch(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return [folder / name for name in names]


def test_names_paths_and_folders_in_order(tmp_path: Path) -> None:
    (one,) = touch(tmp_path, "Me at Work.png")
    touch(tmp_path / "more", "b.mp4", "a.JPG", "notes.txt", ".hidden")
    faces = parse_faces([f"hero={one}", str(one), str(tmp_path / "more")], 512)
    assert list(faces) == ["hero", "Me-at-Work", "a", "b"]
    assert faces["hero"].path == one
    assert {options.size for options in faces.values()} == {512}


def test_a_path_may_hold_an_equals_sign(tmp_path: Path) -> None:
    (one,) = touch(tmp_path, "a=b.png")
    assert [(name, options.path) for name, options in parse_faces([str(one)], None).items()] == [("a-b", one)]


@pytest.mark.parametrize("stem", ["Zoë Müller", "...", "", "-x-", "a" * 200, "日本", "a/b", ".hidden", "a b\nc"])
def test_any_file_gets_a_name_that_is_one(stem: str) -> None:
    assert is_name(safe_name(stem))
    assert len(safe_name(stem)) <= MAX_NAME


def test_two_of_one_name(tmp_path: Path) -> None:
    one, two = touch(tmp_path, "a.png", "a.jpg")
    with pytest.raises(UsageError, match=f"two faces are called 'a'.*--face OTHER={two}"):
        parse_faces([str(one), str(two)], None)


def test_mistakes_say_what_to_type(tmp_path: Path) -> None:
    (one,) = touch(tmp_path, "a.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="add --face"):
        parse_faces([], None)
    with pytest.raises(UsageError, match="is no name"):
        parse_faces([f"not a name={one}"], None)
    with pytest.raises(UsageError, match="holds no picture"):
        parse_faces([str(tmp_path / "empty")], None)
    with pytest.raises(UsageError, match="names of their own"):
        parse_faces([f"x={tmp_path}"], None)
    with pytest.raises(MediaError, match=r"gone\.png is not there"):
        parse_faces([str(tmp_path / "gone.png")], None)
    with pytest.raises(MediaError, match="is not there"):
        parse_faces([f"x={tmp_path / 'gone.png'}"], None)


def test_an_error_of_another_process_keeps_its_family() -> None:
    assert type(error_of(4, "no face")) is errors.FaceError
    assert type(error_of(3, "bad file")) is errors.MediaError
    assert type(error_of(77, "what")) is errors.Txt2VidError
