"""The network on a GPU: the same mouths, whatever batches they come in. Skipped where there is none."""

from __future__ import annotations

import gc
import socket
import threading
import time
from typing import Any

import numpy as np
import pytest

from tests.wav2lip.networks import lively
from txt2vid.core.options import EngineOptions
from txt2vid.engines.lips import variants
from txt2vid.engines.lips.mouths import Mouths
from txt2vid.pipeline.batching import Answered, Asked
from txt2vid.pipeline.link import Link
from txt2vid.pipeline.network import Attach, Service
from wav2lip.network import MELS, SIDE, WINDOW

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

SESSIONS = 21  # no batch size: one is padded


def question(number: int) -> tuple[tuple[str, int], Any, Any]:
    """A face of its own, and what it says."""
    rng = np.random.default_rng(number)
    window = np.clip(rng.normal(-1, 1.5, (1, MELS, WINDOW)), -4, 4).astype(np.float32)
    return (f"face-{number}", 0), rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8), window


QUESTIONS = [question(number) for number in range(SESSIONS)]


def on(device: str, dtype: str) -> Mouths:
    return Mouths(EngineOptions("wav2lip", device=device, dtype=dtype), lively())


@pytest.fixture(scope="module")
def wanted() -> Any:
    """As the CPU draws them in float32."""
    return np.stack(on("cpu", "float32").answer(QUESTIONS)).astype(float)


def decibels(wanted: Any, got: Any) -> float:
    return float(10 * np.log10(255**2 / max(((wanted - np.stack(got)) ** 2).mean(), 1e-9)))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_mouths_are_the_cpus(wanted: Any, dtype: str) -> None:
    network = on("cuda", dtype)
    assert decibels(wanted, network.answer(QUESTIONS)) > 45
    assert decibels(wanted, network.answer([(key, None, heard) for key, _, heard in QUESTIONS])) > 45


def test_every_size_of_batch_gives_each_its_own(wanted: Any) -> None:
    network = on("cuda", "bfloat16")
    for size in (1, 2, 3, 8, 16, SESSIONS):
        assert decibels(wanted[:size], network.answer(QUESTIONS[:size])) > 45
    turned = network.answer(QUESTIONS[::-1])[::-1]
    assert decibels(wanted, turned) > 45


def test_one_face_that_says_many_windows() -> None:
    key, crop, _ = QUESTIONS[0]
    same = [(key, crop, heard) for _, _, heard in QUESTIONS]
    assert decibels(np.stack(on("cpu", "float32").answer(same)).astype(float), on("cuda", "bfloat16").answer(same)) > 45


def test_half_precision_is_fused() -> None:
    from wav2lip.lean import Lean

    assert all(conv.fused for stage in Lean(lively(), "cuda", torch.float16).stages for conv in stage.residuals)


def test_little_memory_halves_the_batch_and_goes_on(wanted: Any) -> None:
    network = on("cuda", "float32")
    network.answer(QUESTIONS[:1])
    gc.collect()  # what other tests left
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + (512 << 20)) / total)
    try:
        many = [QUESTIONS[index % SESSIONS] for index in range(128)]
        answers = network.answer(many)
        assert network.most < 128
        assert decibels(wanted, answers[:SESSIONS]) > 45
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_all_ways_draw_the_same() -> None:
    options = EngineOptions("wav2lip", device="cuda")
    given = variants.inputs(16)
    plain, *others = variants.variants(variants.weights(options, random=True), options)
    published = plain.run(given)
    assert len(others) == 9
    for way in others:
        assert variants.psnr(published, way.run(given)) > 45, way.name


def test_a_network_answers_its_studios() -> None:
    network = on("cuda", "bfloat16")
    assert network.speed() > 100  # mouths a second: a CPU core has 10
    ours, theirs = socket.socketpair()
    inner, outer = socket.socketpair()
    studio, server = Link(ours), Link(outer)
    ended = threading.Event()

    def serve() -> None:
        service = Service(Link(inner), network)
        with pytest.raises(EOFError):
            service.run()
        service.close()
        ended.set()

    threading.Thread(target=serve, daemon=True).start()
    server.send(Attach(), fds=[theirs.detach()])
    due = time.monotonic() + 10
    studio.send([Asked(key[0], 1, key, crop, heard, due) for key, crop, heard in QUESTIONS])
    answers: list[Answered] = []
    while len(answers) < SESSIONS and time.monotonic() < due:
        studio.flush()
        for message, _ in studio.receive():
            answers += message  # type: ignore[arg-type]
        time.sleep(0.005)
    server.close()
    studio.close()
    assert {each.session for each in answers} == {key[0] for key, _, _ in QUESTIONS}
    assert all(each.mouth is not None for each in answers)
    assert ended.wait(10)
