"""Which engine a machine gets, with real networks of random weights and a device that is fast, slow or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from txt2vid.core.options import EngineOptions
from txt2vid.engines.mesh import MeshEngine
from txt2vid.engines.wav2lip import Wav2LipEngine
from txt2vid.errors import DependencyError, EngineError, Txt2VidError, UsageError
from txt2vid.pipeline.choice import KEEPS_UP, choose, judged, lacking
from txt2vid.pipeline.drawing import Drawing
from txt2vid.pipeline.network import Ready, Unable


@pytest.fixture(autouse=True)
def _no_weights_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TXT2VID_CHECKPOINTS", str(tmp_path / "weights"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def test_without_weights_the_mesh_engine_draws_and_says_why() -> None:
    chosen = choose(EngineOptions())
    assert (chosen.name, type(chosen.engine)) == ("mesh", MeshEngine)
    assert chosen.why == "no weights of Wav2Lip here (txt2vid models list)"


def test_an_engine_that_was_asked_for_needs_no_reason() -> None:
    chosen = choose(EngineOptions("mesh"))
    assert (chosen.name, chosen.why) == ("mesh", "")


def test_wav2lip_without_weights_is_one_line() -> None:
    engine = choose(EngineOptions("wav2lip")).engine
    assert isinstance(engine, Wav2LipEngine)
    with pytest.raises(DependencyError, match=r"txt2vid models fetch wav2lip.*--engine mesh") as caught:
        _ = engine.mouths
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_is_not_there() -> None:
    for name in ("auto", "wav2lip", "mesh"):
        with pytest.raises(UsageError, match=r"gone\.pth is no file"):
            choose(EngineOptions(name, Path("gone.pth")))
        with pytest.raises(UsageError, match=r"gone\.pth is no file"):
            Drawing.of(EngineOptions(name, Path("gone.pth")))


def test_an_unknown_engine() -> None:
    with pytest.raises(UsageError, match="engine 'soup' is not known: choose one of mesh, wav2lip"):
        choose(EngineOptions("soup"))


@pytest.mark.slow
def test_auto_measures_the_device(checkpoint: Path) -> None:
    chosen = choose(EngineOptions(checkpoint=checkpoint, device="cpu", dtype="float32"))
    assert "mouths a second" in chosen.why
    if "are needed" in chosen.why:
        assert isinstance(chosen.engine, MeshEngine)
    else:
        assert isinstance(chosen.engine, Wav2LipEngine)


def test_weights_that_are_none_are_said_and_mesh_draws(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "wav2lip.pth").write_bytes(b"<html>not found</html>")
    chosen = choose(EngineOptions(device="cpu"))
    assert chosen.name == "mesh"
    assert "wav2lip.pth" in chosen.why
    with pytest.raises(EngineError, match=r"wav2lip\.pth"):  # these were chosen by somebody
        choose(EngineOptions(checkpoint=folder / "wav2lip.pth", device="cpu"))


class Paced:
    """A network of a known speed."""

    device, most = "a device", 1

    def __init__(self, speed: float) -> None:
        self._speed = speed

    def speed(self) -> float:
        return self._speed


@pytest.mark.parametrize(("speed", "keeps_up"), [(KEEPS_UP - 1, False), (KEEPS_UP, True), (900.0, True)])
def test_what_keeps_up(speed: float, keeps_up: bool) -> None:
    verdict, words = judged(Paced(speed))  # type: ignore[arg-type]
    assert verdict is keeps_up
    assert f"a device draws {speed:.0f} mouths a second" in words
    assert ("are needed" in words) is not keeps_up


def test_lacking_is_asked_of_weights_and_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.pth").touch()
    options = EngineOptions(checkpoint=tmp_path / "w.pth")
    assert lacking(options) == ""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert "torch is not installed" in lacking(options)


class TestDrawing:
    def test_without_weights_it_is_settled(self) -> None:
        drawing = Drawing.of(EngineOptions())
        assert (drawing.engine, drawing.network, drawing.options.name) == ("mesh", False, "mesh")

    def test_with_weights_the_network_decides(self, tmp_path: Path) -> None:
        (tmp_path / "w.pth").touch()
        drawing = Drawing.of(EngineOptions(checkpoint=tmp_path / "w.pth"))
        assert (drawing.network, drawing.options.name, drawing.is_open) == (True, "wav2lip", True)
        quick, slow = Ready("60 mouths", keeps_up=True), Ready("6 mouths", keeps_up=False)
        assert (drawing.told(quick, None).engine, drawing.uses(quick)) == ("wav2lip", True)
        assert (drawing.told(slow, None).engine, drawing.uses(slow)) == ("mesh", False)
        lost = drawing.told(quick, None).told(None, Unable("the device is gone", 5))
        assert (lost.engine, lost.why) == ("mesh", "the device is gone")

    def test_one_that_was_asked_for_is_used_however_slow(self, tmp_path: Path) -> None:
        (tmp_path / "w.pth").touch()
        drawing = Drawing.of(EngineOptions("wav2lip", tmp_path / "w.pth"))
        assert drawing.uses(Ready("6 mouths", keeps_up=False))

    def test_unknown(self) -> None:
        with pytest.raises(Txt2VidError, match="not known"):
            Drawing.of(EngineOptions("soup"))
