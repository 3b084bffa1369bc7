"""Weights in every layout in which they are published, and files that are not what their names say."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from wav2lip.checkpoint import CheckpointError, kind_of, load_s3fd, load_wav2lip, read_state  # noqa: E402
from wav2lip.network import Wav2Lip  # noqa: E402
from wav2lip.s3fd import S3FD  # noqa: E402

State = dict[str, Tensor]


def training(state: State) -> dict[str, object]:
    """What training saved beside the weights."""
    return {
        "state_dict": {f"module.{name}": tensor for name, tensor in state.items()},
        "optimizer": {"state": {0: {"step": 3, "exp_avg": torch.ones(1 << 20)}}, "param_groups": [{"lr": 1e-4}]},
        "global_step": 7,
        "global_epoch": 1,
    }


def save_zip(state: State, path: Path) -> None:
    torch.save(training(state), path)


def save_row(state: State, path: Path) -> None:
    torch.save(training(state), path, _use_new_zipfile_serialization=False)


def save_plain(state: State, path: Path) -> None:
    torch.save(state, path)


def save_plain_row(state: State, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


def save_safetensors(state: State, path: Path) -> None:
    save_file(state, path)


def save_torchscript(state: State, path: Path) -> None:
    archive(tree(state), path)


def archive(module: nn.Module, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit's, of itself: its archives remain
        torch.jit.script(module).save(str(path))


def tree(state: State) -> nn.Module:
    """A module with this state."""
    root = nn.Identity()
    for name, tensor in state.items():
        at: nn.Module = root
        *parents, leaf = name.split(".")
        for parent in parents:
            if not hasattr(at, parent):
                at.add_module(parent, nn.Identity())
            at = at.get_submodule(parent)
        at.register_buffer(leaf, tensor)
    return root


LAYOUTS = (save_zip, save_row, save_plain, save_plain_row, save_safetensors, save_torchscript)
every_layout = pytest.mark.parametrize("save", LAYOUTS, ids=lambda save: save.__name__)


def some_state(dtype: Any = torch.float32) -> State:
    torch.manual_seed(5)
    return {
        "audio_encoder.0.weight": torch.randn(3, 5, 2, 2).to(dtype),
        "audio_encoder.0.bias": torch.randn(7).to(dtype),
        "audio_encoder.1.num_batches_tracked": torch.tensor(12),
    }


def refused(path: Path, load: Callable[[Path], object] = read_state) -> str:
    """The one line that says why a file is not read."""
    with pytest.raises(CheckpointError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    assert "expected" in message
    return message.removeprefix(str(path)).strip()


@every_layout
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_layouts(save: Callable[[State, Path], None], dtype: Any, tmp_path: Path) -> None:
    state = some_state(dtype)
    save(state, tmp_path / "weights.pth")
    found = read_state(tmp_path / "weights.pth")
    assert list(found) == list(state) or save is save_safetensors  # which sorts
    assert found.keys() == state.keys()
    for name, tensor in found.items():
        assert tensor.dtype == (torch.float32 if state[name].is_floating_point() else torch.int64)
        assert torch.equal(tensor, state[name].to(tensor.dtype))


@every_layout
def test_weights_outlive_their_file(save: Callable[[State, Path], None], tmp_path: Path) -> None:
    path = tmp_path / "weights"
    save(some_state(), path)
    found = read_state(path)
    os.truncate(path, 0)
    assert torch.equal(found["audio_encoder.0.bias"], some_state()["audio_encoder.0.bias"])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="Linux counts what a process reads")
@pytest.mark.parametrize("save", [save_zip, save_row])
def test_the_optimizer_is_not_read(save: Callable[[State, Path], None], tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    save(some_state(), path)
    before = bytes_read()
    read_state(path)
    assert bytes_read() - before < path.stat().st_size / 10


def bytes_read() -> int:
    (count,) = re.findall(r"rchar: (\d+)", Path("/proc/self/io").read_text())
    return int(count)


@every_layout
@pytest.mark.parametrize("number", [float("nan"), float("-inf")])
def test_weights_that_are_no_numbers(save: Callable[[State, Path], None], number: float, tmp_path: Path) -> None:
    state = some_state()
    state["audio_encoder.0.weight"][1, 2, 1, 0] = number
    save(state, tmp_path / "weights")
    assert "audio_encoder.0.weight that are not finite" in refused(tmp_path / "weights")


@every_layout
def test_truncated(save: Callable[[State, Path], None], tmp_path: Path) -> None:
    path = tmp_path / "weights"
    save(some_state(), path)
    whole = path.stat().st_size
    for size in (whole - 1, whole - 40, whole // 2, 300, 20, 9):
        os.truncate(path, size)
        assert "damaged" in refused(path)
    os.truncate(path, 0)
    assert refused(path).startswith("is empty")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\0", "a PNG picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG picture"),
        (b"\n<!DOCTYPE html>\n<html><head><title>404", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "a Git LFS pointer"),
        (b"The weights are elsewhere.\n", "a text"),
        (b"\x08\x07\x12\x07pytorch\x1a\x062.13.0:\xb0\x01", "perhaps an ONNX model"),
        (bytes(range(1, 90)), "another kind"),
    ],
)
def test_foreign_files(content: bytes, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "wav2lip_gan.pth"
    path.write_bytes(content)
    assert kind in refused(path)


def test_other_zip_files(tmp_path: Path) -> None:
    path = tmp_path / "wav2lip.pth"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("word/document.xml", "<w/>")
    assert "none that torch wrote" in refused(path)
    save_plain(some_state(), path)
    with zipfile.ZipFile(path) as made, zipfile.ZipFile(tmp_path / "b", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in made.namelist():
            packed.writestr(name, made.read(name))
    assert "none that torch wrote" in refused(tmp_path / "b")


def test_nothing_to_read(tmp_path: Path) -> None:
    assert "no file" in refused(tmp_path / "missing.pth")
    assert "no file" in refused(tmp_path)


class Evil:
    """An object whose reading makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    made, path = tmp_path / "made", tmp_path / "wav2lip.pth"
    evil = {"state_dict": some_state(), "global_step": Evil(made)}
    pickle.loads(pickle.dumps(evil))  # noqa: S301  # it does what it is meant to
    made.rmdir()

    for protocol in (2, 4):
        path.write_bytes(pickle.dumps(evil, protocol))
        assert "could run code" in refused(path)
    torch.save(evil, path)
    assert "could run code" in refused(path)
    torch.save(evil, path, _use_new_zipfile_serialization=False)
    assert "could run code" in refused(path)
    save_torchscript(some_state(), tmp_path / "good.pt")
    with zipfile.ZipFile(tmp_path / "good.pt") as good, zipfile.ZipFile(path, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, pickle.dumps(Evil(made)) if name.endswith("/data.pkl") else good.read(name))
    assert "could run code" in refused(path)
    assert not made.exists()


def test_pickled_modules_are_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pth")
    assert "could run code" in refused(tmp_path / "whole.pth")


@pytest.mark.parametrize("save", [save_plain, save_plain_row])
def test_tensors_larger_than_their_file(save: Callable[[State, Path], None], tmp_path: Path) -> None:
    save({"a": torch.zeros(1).expand(1 << 40)}, tmp_path / "bomb")
    assert "damaged" in refused(tmp_path / "bomb")


def test_odd_tensors(tmp_path: Path) -> None:
    for odd in (torch.zeros(2, dtype=torch.complex64), torch.zeros(4, 4).to_sparse()):
        torch.save({"a": odd}, tmp_path / "odd")
        assert "expected plain numbers" in refused(tmp_path / "odd")
    for nothing in ({}, {"epoch": 3}, [torch.zeros(2)], torch.zeros(2)):
        torch.save(nothing, tmp_path / "odd")
        assert "holds no tensors by name" in refused(tmp_path / "odd")


def test_old_views_and_parameters(tmp_path: Path) -> None:
    shared = torch.arange(12.0)
    state = {"a": shared[3:9].view(2, 3).T, "b": nn.Parameter(shared[1:]), "c": torch.empty(0)}
    torch.save(state, tmp_path / "row", _use_new_zipfile_serialization=False)
    found = read_state(tmp_path / "row")
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert found["a"].is_contiguous()


def test_kinds() -> None:
    tensor = torch.zeros(1)
    assert kind_of(Wav2Lip().state_dict()) == "wav2lip"
    assert kind_of(S3FD().state_dict()) == "s3fd"
    assert (
        kind_of({"face_encoder.0.conv_block.0.weight": tensor, "audio_encoder.0.conv_block.0.bias": tensor}) == "expert"
    )
    assert kind_of({"netcnnlip.0.weight": tensor, "netcnnaud.0.weight": tensor}) == "syncnet"
    assert kind_of({"layer1.0.conv1.weight": tensor}) == "unknown"
    assert kind_of({}) == "unknown"


@pytest.fixture(scope="module")
def network() -> Wav2Lip:
    torch.manual_seed(3)
    made = Wav2Lip()
    for name, buffer in made.named_buffers():
        if not name.endswith("num_batches_tracked"):
            buffer.uniform_(0.5, 2)
    return made


@pytest.mark.parametrize("save", [save_zip, save_row, save_safetensors, save_torchscript])
def test_wav2lip(network: Wav2Lip, save: Callable[[State, Path], None], tmp_path: Path) -> None:
    expected = network.state_dict()
    if save is save_torchscript:
        archive(network, tmp_path / "weights")
    elif save is save_row:  # of a torch that did not count batches
        save({name: tensor for name, tensor in expected.items() if "tracked" not in name}, tmp_path / "weights")
    else:
        save(expected, tmp_path / "weights")
    loaded = load_wav2lip(tmp_path / "weights")
    shutil.rmtree(tmp_path)  # 145 MB
    state = loaded.state_dict()
    assert len(state) == 352
    assert all(torch.equal(state[name], tensor) for name, tensor in expected.items())
    assert not any(module.training for module in loaded.modules())
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_s3fd(tmp_path: Path) -> None:
    torch.manual_seed(4)
    expected = S3FD().state_dict()
    save_plain_row(expected, tmp_path / "s3fd.pth")
    loaded = load_s3fd(tmp_path / "s3fd.pth")
    shutil.rmtree(tmp_path)
    assert len(loaded.state_dict()) == 65
    assert all(torch.equal(loaded.state_dict()[name], tensor) for name, tensor in expected.items())
    assert not loaded.training


def test_what_does_not_fit(network: Wav2Lip, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    whole = network.state_dict()
    state = {name: tensor for name, tensor in whole.items() if name.startswith("face_decoder_blocks.0.")}
    state["face_decoder_blocks.9.bias"] = torch.zeros(1)
    state["output_block.1.weight"] = torch.zeros(3, 33, 1, 1)
    state["output_block.1.bias"] = torch.zeros(3, dtype=torch.int32)
    save_plain(state, path)
    message = refused(path, load_wav2lip)
    assert "does not fit Wav2Lip: it lacks face_encoder_blocks.0.0.conv_block.0.weight, " in message
    assert re.search(r"and \d+ more; nothing is called face_decoder_blocks.9.bias; ", message)
    assert "output_block.1.weight is 3x33x1x1, not 3x32x1x1" in message
    assert "other kinds of numbers are in output_block.1.bias" in message
    assert len(message) < 600


def test_whose_weights_they_are(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    save_plain({"conv3_3_norm.weight": torch.ones(256), "fc6.bias": torch.ones(1024)}, path)
    assert refused(path, load_wav2lip).startswith("holds S3FD's weights; expected Wav2Lip's")
    save_plain({"face_encoder.0.bias": torch.ones(2), "audio_encoder.0.bias": torch.ones(2)}, path)
    assert refused(path, load_s3fd).startswith("holds Wav2Lip's own lip-sync expert's weights; expected S3FD's")
    save_plain({"fc.weight": torch.ones(2)}, path)
    assert refused(path, load_wav2lip).startswith("holds another network's weights (fc.weight); expected Wav2Lip's")
