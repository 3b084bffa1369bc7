from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from txt2vid.core.options import EngineOptions
from txt2vid.errors import MediaError, UsageError
from txt2vid.pipeline.jobs import MAX_TEXT, Row, read_jobs, read_text


def rows(tmp_path: Path, text: str | bytes, **defaults: str) -> list[Row]:
    path = tmp_path / "jobs.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_jobs(path, tmp_path / "out", defaults)


def test_all_columns(tmp_path: Path) -> None:
    (row,) = rows(
        tmp_path,
        "face,audio,output,fps,size,engine,checkpoint,device,dtype,paste,pads,alignment,tts,voice,face_index,face_box,"
        "landmarks,detector,seed,idle\n"
        'a.png,b.wav,c.mkv,29.97,256,wav2lip,w.pth,cpu,bfloat16,hard,"0,5,1,2",published,espeak,en,1,"1,2,30,40",l.csv,'
        "s3fd,7,no\n",
    )
    options = row.options()
    assert row.number == 2
    assert (options.face.path, options.audio, options.text) == (tmp_path / "a.png", tmp_path / "b.wav", None)
    assert (options.output, options.fps, options.face.size) == (tmp_path / "out/c.mkv", Fraction(30000, 1001), 256)
    assert options.engine == EngineOptions(
        "wav2lip", tmp_path / "w.pth", "cpu", "bfloat16", "hard", (0, 5, 1, 2), "published"
    )
    assert options.face.detector == "s3fd"
    assert (options.speaker.tts, options.speaker.voice, options.seed, options.idle) == ("espeak", "en", 7, False)
    assert (options.face.index, options.face.box, options.face.landmarks) == (1, (1, 2, 30, 40), tmp_path / "l.csv")


def test_what_spreadsheets_write(tmp_path: Path) -> None:
    """A byte order mark, semicolons, CRLF, capitals, blank lines, a line break and a quote in a cell."""
    found = rows(
        tmp_path, b'\xef\xbb\xbfFace;Text\r\na.png;"Hello ""you"",\r\nfriend"\r\n\r\n;\r\nb.png;Gr\xc3\xbc\xc3\x9fe\r\n'
    )
    assert [row.number for row in found] == [2, 5]
    assert [row.options().text for row in found] == ['Hello "you",\r\nfriend', "Grüße"]


def test_default_outputs(tmp_path: Path) -> None:
    found = rows(
        tmp_path, "face,audio,text,text_file,output\nx/a.png,v/b.m4a,,,\na.png,,Hi,,\na.png,,,t.txt,\na.png,,Hi,,me\n"
    )
    names = [row.output.relative_to(tmp_path / "out").as_posix() for row in found]
    assert names == ["a-b.mp4", "a-text-3.mp4", "a-t.mp4", "me.mp4"]


def test_options_of_the_command_fill_empty_cells(tmp_path: Path) -> None:
    first, second = rows(tmp_path, "face,text,fps\na.png,Hi,\na.png,Hi,30\n", fps="50", idle="no")
    assert [first.options().fps, second.options().fps] == [Fraction(50), Fraction(30)]
    assert not first.options().idle


def test_rows_share_a_face_by_what_prepares_it(tmp_path: Path) -> None:
    first, same, other = rows(tmp_path, "face,text,size,fps\na.png,1,,\n./a.png,2,,30\na.png,3,256,\n")
    assert first.face_key() == same.face_key() != other.face_key()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column 'face'"),
        ("face,text\n", "has no rows"),
        ("face,text\n,\n\n", "has no rows"),
        ("picture,text\na,b\n", "no column 'face'"),
        ("face\na\n", "has no voice"),
        ("face,text,colour\na,b,c\n", "unknown column 'colour'"),
        ("face,text,text\na,b,c\n", "a column twice"),
        ("face,text\na,Hello, you\n", "row 2: 3 cells under 2 columns"),
        ("face,text,output\na,b,x\na,c,y\na,d,X.mp4\n", "rows 2 and 4 both write X.mp4"),
        ("face,audio\na.png,b.wav\na.png,b.wav\n", "rows 2 and 3 both write a-b.mp4"),
        ("face,text,output\na,b,../x.mp4\n", "not inside"),
        ("face,text,output\na,b,/tmp/x.mp4\n", "not inside"),
        ('face,text\na,"never closed\n', "is not CSV"),
        (b"face,text\na,\xff\xfe\n", "not UTF-8"),
        ("face,text\n".encode("utf-16"), "not UTF-8"),
        ("face,text,output\nout/a.mp4,b,a.mp4\n", "would overwrite the input"),
    ],
)
def test_a_list_that_makes_no_sense(tmp_path: Path, text: str | bytes, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        rows(tmp_path, text)


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_jobs(tmp_path / "none.csv", tmp_path)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"face": "a"}, "exactly one of"),
        ({"face": "a", "text": "b", "audio": "c"}, "audio and text are more than one voice"),
        ({"text": "b"}, "no face"),
        ({"face": "a", "text": "b", "fps": "fast"}, "frame rate 'fast'"),
        ({"face": "a", "text": "b", "size": "1"}, "size 1 is out of range"),
        ({"face": "a", "text": "b", "size": "big"}, "size 'big' is no whole number"),
        ({"face": "a", "text": "b", "face_box": "1,2,3"}, "face box '1,2,3'"),
        ({"face": "a", "text": "b", "face_box": "1,2,0,4"}, "face box '1,2,0,4'"),
        ({"face": "a", "text": "b", "face_index": "-1"}, "face_index -1 is negative"),
        ({"face": "a", "text": "b", "idle": "maybe"}, "neither yes nor no"),
    ],
)
def test_a_row_that_makes_no_sense_shows_when_it_is_used(tmp_path: Path, cells: dict[str, str], why: str) -> None:
    row = Row(2, tmp_path, cells, tmp_path / "x.mp4")
    with pytest.raises(UsageError, match=why):
        row.options()


def test_texts_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    with pytest.raises(MediaError, match="No such file"):
        read_text(path)
    path.write_bytes(b"\xff\xff")
    with pytest.raises(MediaError, match="not UTF-8"):
        read_text(path)
    path.write_bytes(b"a" * (MAX_TEXT + 1))
    with pytest.raises(MediaError, match="longer than 4 MiB"):
        read_text(path)
    path.write_bytes(b"\xef\xbb\xbfHi")
    assert read_text(path) == "Hi"
