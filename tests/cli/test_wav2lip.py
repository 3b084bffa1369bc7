"""The Wav2Lip engine as it is typed, its weights random: from the loader to the video and the stream."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import Command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
SMALL = ("--size", "128", "--device", "cpu")


@pytest.fixture(autouse=True)
def _no_weights_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TXT2VID_CHECKPOINTS", str(tmp_path / "weights"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def frames_of(path: Path) -> int:
    command = [
        "ffprobe",
        "-v",
        "error",
        "-count_frames",
        "-select_streams",
        "v",
        "-show_entries",
        "stream=nb_read_frames",
    ]
    counts = subprocess.check_output([*command, "-of", "csv=p=0", str(path)], text=True)
    return int(counts.split()[0])  # MPEG-TS tells it of the program, too


def test_render(txt2vid: Command, tmp_path: Path, hero: Path, speech: Path, checkpoint: Path) -> None:
    base = ("render", "--face", hero, "--audio", speech, *SMALL, "--json")
    done = txt2vid(*base, "--engine", "wav2lip", "--checkpoint", checkpoint, "-o", "a.mp4")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["engine"], told["engine_why"]) == ("wav2lip", "")
    assert told["frames"] == frames_of(tmp_path / "a.mp4") > 20
    hard = txt2vid(*base, "--engine", "wav2lip", "--checkpoint", checkpoint, "--paste", "hard", "--pads", "0,4,0,0",
                   "--alignment", "published", "--dtype", "float32", "-o", "b.mp4")  # fmt: skip
    assert hard.returncode == 0, hard.stderr
    mesh = txt2vid(*base, "-o", "c.mp4")
    told = json.loads(mesh.stdout)
    assert told["engine"] == "mesh"
    assert "no weights of Wav2Lip here" in told["engine_why"]


def test_a_list(txt2vid: Command, tmp_path: Path, hero: Path, speech: Path, checkpoint: Path) -> None:
    rows = [
        f"{hero},{speech},a.mp4,wav2lip,{checkpoint}",
        f"{hero},{speech},b.mp4,mesh,",
        f"{hero},{speech},c.mp4,wav2lip,{hero}",
    ]
    (tmp_path / "jobs.csv").write_text("\n".join(["face,audio,output,engine,checkpoint", *rows]))
    done = txt2vid("render", "--jobs", "jobs.csv", "-O", "out", "--workers", "1", *SMALL, "--json")
    assert done.returncode == 1
    states = {Path(row["output"]).name: row for row in json.loads(done.stdout)["rows"]}
    assert states["a.mp4"]["state"] == states["b.mp4"]["state"] == "done"
    assert "hero.png" in states["c.mp4"]["error"]
    assert "PNG" in states["c.mp4"]["error"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--engine", "wav2lip"), 8, "txt2vid models fetch wav2lip"),
        (("--engine", "wav2lip"), 8, "--engine mesh"),
        (("--engine", "wav2lip", "--checkpoint", "{text}"), 5, "no checkpoint but"),
        (("--checkpoint", "wav2lip-gan"), 8, "txt2vid models fetch wav2lip-gan"),
        (("--paste", "soup"), 2, "paste 'soup' is not known: choose one of soft, hard"),
        (("--pads", "1,2"), 2, "pads '1,2' are not TOP,BOTTOM,LEFT,RIGHT"),
        (("--alignment", "x"), 2, "alignment 'x' is not known"),
        (("--device", "tpu"), 2, "device 'tpu' is not known"),
        (("--dtype", "int3"), 2, "dtype 'int3' is not known"),
        (("--detector", "eyes"), 2, "detector 'eyes' is not known"),
        (("--detector", "s3fd"), 8, "txt2vid models fetch s3fd"),
    ],
)
def test_what_cannot_be_is_one_line(
    txt2vid: Command, tmp_path: Path, hero: Path, speech: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    (tmp_path / "w.pth").write_text("these are no weights")
    given = [each.format(text="w.pth") for each in arguments]
    done = txt2vid("render", "--face", hero, "--audio", speech, "--size", "128", "-o", "a.mp4", *given)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "a.mp4").exists()


def test_the_benchmark(txt2vid: Command, tmp_path: Path) -> None:
    done = txt2vid("bench", "wav2lip", "--device", "cpu", "--batches", "1,2", "--repeats", "2", "--sessions", "1,64",
                   "--seconds", "0.5", "-o", "result.json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "as published" in done.stdout
    told = json.loads((tmp_path / "result.json").read_text())
    assert told["weights"] == "seeded random"
    assert {each["batch"] for each in told["speeds"]} == {1, 2}
    lean = [each for each in told["speeds"] if each["name"] == "float32, lean"]
    assert all(each["psnr"] > 45 and each["fps"]["median"] > 0 for each in lean)
    assert all(each["frames"] >= 1 for each in told["loads"])


def test_the_benchmark_refuses_what_makes_no_sense(txt2vid: Command) -> None:
    for arguments, says in ((("--batches", "0"), "batches '0' are out of range"), (("--device", "x"), "device 'x'")):
        done = txt2vid("bench", "wav2lip", *arguments)
        assert done.returncode == 2
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own
        return str(answer.read().decode())


def test_serve(tmp_path: Path, hero: Path, checkpoint: Path) -> None:
    """A stream is watched while the server speaks: mouths are asked for, told in the metrics, and all ends with it."""
    (tmp_path / "said.txt").write_text("Hello, my friend. How are you today? I am fine, thank you.")
    command = [sys.executable, "-m", "txt2vid", "serve", "--face", str(hero), *SMALL, "--port", "0", "--fps", "5",
               "--engine", "wav2lip", "--checkpoint", str(checkpoint), "--text-file", "said.txt", "--loop",
               "--json"]  # fmt: skip
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            assert json.loads(get(f"{url}healthz"))["engine"] == "wav2lip"
            numbers: dict[str, float] = {}
            for _ in range(5):  # a busy machine may need a while for its first mouth in time
                subprocess.run(
                    ["ffmpeg", "-v", "error", "-t", "5", "-i", f"{url}stream.ts", "-c", "copy", "-y", "seen.ts"],
                    cwd=tmp_path, check=True, timeout=120, stdin=subprocess.DEVNULL,
                )  # fmt: skip
                numbers = numbers_in(get(f"{url}metrics"))
                if numbers['txt2vid_mouths_drawn_total{session="hero"}']:
                    break
            assert numbers['txt2vid_mouths_drawn_total{session="hero"}'] > 0
            assert numbers["txt2vid_network_ready"] == 1
            assert numbers["txt2vid_network_answered_total"] > 0
            children = subprocess.check_output(["pgrep", "-P", str(server.pid)], text=True).split()
        finally:
            server.send_signal(signal.SIGTERM)
            _, said = server.communicate(timeout=60)
    assert server.returncode == 0, said
    assert "engine=wav2lip" in said
    assert frames_of(tmp_path / "seen.ts") >= 15
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.05)


def numbers_in(metrics: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in metrics.splitlines() if not line.startswith("#")]
    return {name: float(number) for name, _, number in lines}


def test_serve_without_weights_is_one_line(txt2vid: Command, hero: Path) -> None:
    done = txt2vid("serve", "--face", hero, "--engine", "wav2lip", "--port", "0")
    assert done.returncode == 8
    last = done.stderr.splitlines()[-1]
    assert "txt2vid models fetch wav2lip" in last
    assert "Traceback" not in done.stderr


def test_doctor_tries_the_network(txt2vid: Command, tmp_path: Path, checkpoint: Path) -> None:
    assert "missing  engine wav2lip" in txt2vid("doctor").stdout
    (tmp_path / "weights").mkdir()
    os.link(checkpoint, tmp_path / "weights" / "wav2lip.pth")
    assert "mouths a second" in txt2vid("doctor").stdout
