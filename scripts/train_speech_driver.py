"""Trains the speech driver's network from nothing: speech is made, heard, and learned from; then it is tested.

    python scripts/train_speech_driver.py [--blocks N] [--epochs N] [--device cuda] [-o checkpoints/speech.npz]
    python scripts/train_speech_driver.py --keep checkpoints/speech.npz     learns f and v anew, and nothing else

Needs flite, espeak-ng, and the extras `serve` and `wav2lip` (torch). Seeded: the same versions of all these give the
same network on one machine. Two CPU cores take eight minutes. The log goes beside the weights.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click
import numpy as np
import speech_corpus as corpus
import torch
from numpy.typing import NDArray
from speech_targets import Example, examples
from speech_test import closures
from torch import Tensor, nn

from txt2vid.drivers import network as shape
from txt2vid.drivers.features import HOP_RATE
from txt2vid.drivers.network import AHEAD, CLOSED, LIMITS, PAST, SEEN, TOLD, TUCKED

ROOT = Path(__file__).parents[1]
STREAMS, VERSIONS = 15, 3  # a block: so many voices with some sentences each, each heard in so many ways
LENGTH, STRIDE = 200, 2  # hops of a piece, and how many there are from one that is told to the next
BATCH, RATE = 24, 2e-3
LEAD = 2  # hops that lips are ahead of what they say, as people's are
SHARE_OF_TEST = 20  # one piece in so many is kept back
GAP = {"jawOpen": 1.0, "mouthUpperUp": 0.35, "mouthLowerDown": 0.35, "mouthFunnel": 0.15}
"""What counts as opening the lips, against the jaw: in the error the lips weigh more than on a rendered face."""
GAP_SCALE = 0.12  # what an error in that is weighed by

_log = logging.getLogger("train")


class Trained(nn.Module):
    """The network of `txt2vid.drivers.network`, for whole pieces at once: (n, hops, SEEN) to (n, moments, TOLD)."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.Linear(SEEN, shape.EACH)
        self.most = Part(shape.HIDDEN, shape.LAST, TUCKED)
        self.tuck = Part(shape.TUCK_HIDDEN, shape.TUCK_LAST, len(TOLD) - TUCKED)

    def forward(self, seen: Tensor) -> Tensor:
        """What is told of every STRIDE-th hop that has all its neighbours."""
        heard = torch.relu(self.each(seen)).transpose(1, 2)
        told = torch.sigmoid(torch.cat((self.most(heard), self.tuck(heard)), dim=-1))
        return told * torch.from_numpy(LIMITS).to(told.device)

    def teeth(self, seen: Tensor) -> Tensor:
        """What of that is told of teeth, (n, moments, len(TOLD) - TUCKED)."""
        return torch.sigmoid(self.tuck(torch.relu(self.each(seen)).transpose(1, 2)))

    def keep(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Takes all but the part that tells `tucked` and `freed` from there, for good."""
        given = {name: torch.from_numpy(array) for name, array in weights.items()}
        hidden = given["hidden.weight"].reshape(shape.SPAN, shape.EACH, -1).permute(2, 1, 0)
        tensors = {"each.weight": given["each.weight"].T, "each.bias": given["each.bias"],
                   "most.hidden.weight": hidden, "most.hidden.bias": given["hidden.bias"],
                   "most.last.weight": given["last.weight"].T, "most.last.bias": given["last.bias"],
                   "most.told.weight": given["told.weight"].T, "most.told.bias": given["told.bias"]}  # fmt: skip
        own = dict(self.named_parameters())
        for name, tensor in tensors.items():
            own[name].requires_grad_(False).copy_(tensor[tuple(slice(0, size) for size in own[name].shape)])

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """As `txt2vid.drivers.network.load` reads them: both parts side by side, with zeros between them."""
        most, tuck = self.most, self.tuck
        hidden = (
            torch.cat((most.hidden.weight, tuck.hidden.weight)).permute(2, 1, 0).reshape(shape.SPAN * shape.EACH, -1)
        )
        tensors = {"each.weight": self.each.weight.T, "each.bias": self.each.bias, "hidden.weight": hidden,
                   "hidden.bias": torch.cat((most.hidden.bias, tuck.hidden.bias)),
                   "last.weight": torch.block_diag(most.last.weight, tuck.last.weight).T,
                   "last.bias": torch.cat((most.last.bias, tuck.last.bias)),
                   "told.weight": torch.block_diag(most.told.weight, tuck.told.weight).T,
                   "told.bias": torch.cat((most.told.bias, tuck.told.bias))}  # fmt: skip
        return {name: tensor.detach().cpu().numpy().astype(np.float32) for name, tensor in tensors.items()}


class Part(nn.Module):
    """Layers of their own, from hops as they are kept to some of TOLD: (n, EACH, hops) to (n, moments, so many)."""

    def __init__(self, hidden: int, last: int, told: int) -> None:
        super().__init__()
        self.hidden = nn.Conv1d(shape.EACH, hidden, shape.SPAN, stride=STRIDE)
        self.last = nn.Linear(hidden, last)
        self.told = nn.Linear(last, told)
        self.drop = nn.Dropout(0.1)

    def forward(self, heard: Tensor) -> Tensor:
        """Before the sigmoid."""
        hidden = self.drop(torch.relu(self.hidden(heard)).transpose(1, 2))
        return torch.as_tensor(self.told(torch.relu(self.last(hidden))))


class Pieces:
    """Examples one after the other, and where pieces of them may begin."""

    def __init__(self, made: list[Example], seed: int) -> None:
        lengths = [min(len(each.seen), len(each.told)) for each in made]
        self.seen = torch.from_numpy(np.concatenate([e.seen[:n] for e, n in zip(made, lengths, strict=True)])).half()
        self.told = torch.from_numpy(np.concatenate([e.told[:n] for e, n in zip(made, lengths, strict=True)])).half()
        self.counts = torch.from_numpy(
            np.concatenate([e.counts[:n] for e, n in zip(made, lengths, strict=True)])
        ).half()
        starts = np.cumsum([0, *lengths[:-1]])
        margin = LENGTH + AHEAD + STRIDE + LEAD
        begins = [s + at for s, n in zip(starts, lengths, strict=True) for at in range(PAST, n - margin, LENGTH // 2)]
        self.rng = np.random.default_rng(seed)
        order = self.rng.permutation(np.array(begins))
        self.test, self.train = np.split(order, [len(order) // SHARE_OF_TEST])
        self.spread = self.told[::10].float().std(0) + 0.02

    def batch(self, begins: NDArray[np.intp]) -> tuple[Tensor, Tensor, Tensor]:
        """What is seen, what is told, and how much that counts (see `Example`), of pieces."""
        at = torch.from_numpy(begins)[:, None]
        seen = self.seen[at + torch.arange(-PAST, LENGTH + AHEAD)].float()
        moments = at + LEAD + torch.arange(0, LENGTH, STRIDE)
        return seen, self.told[moments].float(), self.counts[moments].float()

    def random(self) -> tuple[Tensor, Tensor, Tensor]:
        """Some to learn from, none twice from quite the same place; bands and moments are missing now and then."""
        chosen = self.rng.choice(self.train, BATCH) + self.rng.integers(-STRIDE, STRIDE + 1, BATCH)
        seen, told, counts = self.batch(np.maximum(chosen, PAST))
        first = int(self.rng.integers(0, SEEN - 1))
        seen[:: int(self.rng.integers(2, 5)), :, first : first + int(self.rng.integers(1, 6))] = 0
        return seen, told, counts


def gap(told: Tensor) -> Tensor:
    """How far lips are apart, as wide as a jaw."""
    apart = sum(weight * told[..., TOLD.index(name)] for name, weight in GAP.items())
    return torch.as_tensor(apart) * (1 - told[..., CLOSED])


def error(told: Tensor, wanted: Tensor, counts: Tensor, spread: Tensor) -> Tensor:
    """Of all coefficients, of the gap that they make, and of whether lips meet each other or the teeth."""
    most = slice(0, TUCKED)
    each = (((told[..., most] - wanted[..., most]) / spread[most]) ** 2).mean()
    apart = ((gap(told) - gap(wanted)) ** 2).mean() / GAP_SCALE**2
    meet = _unsure(told[..., CLOSED], wanted[..., CLOSED]).mean()
    return torch.as_tensor(each + apart + 1.5 * meet + error_of_teeth(told[..., TUCKED:], wanted, counts))


def error_of_teeth(told: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
    """Of what `Trained.teeth` tells."""
    return len(TOLD[TUCKED:]) * (_unsure(told, wanted[..., TUCKED:]) * counts[..., None]).mean()


def _unsure(told: Tensor, wanted: Tensor) -> Tensor:
    """The cross entropy of each moment."""
    return nn.functional.binary_cross_entropy(told.clamp(1e-4, 1 - 1e-4), wanted.clamp(0, 1), reduction="none")


def block(seed: int) -> list[Example]:
    """Some voices, heard in some ways."""
    spoken = corpus.spoken(STREAMS, seed)
    return [each for i, (_, said) in enumerate(spoken) if said for each in examples(said, seed * 1000 + i, VERSIONS)]


def learned(pieces: Pieces, epochs: float, device: torch.device, keep: Path | None = None) -> Trained:
    """Trains a network; keep: weights of which all but `tucked` and `freed` is taken over."""
    network, spread = Trained(), pieces.spread.to(device)
    if keep is not None:
        with keep.open("rb") as file, torch.no_grad():
            network.keep(dict(np.load(file)))
    network.to(device)
    steps = int(epochs * len(pieces.train) / BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1, pct_start=0.1)
    mean, began = 0.0, time.monotonic()
    for step in range(steps):
        seen, told, counts = (each.to(device) for each in pieces.random())
        if keep is None:
            wrong = error(network(seen), told, counts, spread)
        else:
            wrong = error_of_teeth(network.teeth(seen), told, counts)
        optimizer.zero_grad()
        wrong.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        mean += (wrong.item() - mean) * max(0.01, 1 / (step + 1))
        if step % 250 == 0 or step == steps - 1:
            _log.info("step %d of %d: error %.3f, %.0f s", step, steps, mean, time.monotonic() - began)
    return network.eval()


@torch.inference_mode()
def likeness(network: Trained, pieces: Pieces, device: torch.device) -> Iterator[tuple[str, float]]:
    """Correlations with what is wanted, of pieces that were kept back."""
    batches = [pieces.batch(part) for part in np.array_split(pieces.test, max(1, len(pieces.test) // BATCH))]
    told = torch.cat([network(seen.to(device)).cpu().flatten(0, 1) for seen, *_ in batches])
    wanted = torch.cat([rows.flatten(0, 1) for _, rows, _ in batches])
    yield "gap", float(np.corrcoef(gap(told), gap(wanted))[0, 1])
    for column, name in enumerate(TOLD):
        yield name, float(np.corrcoef(told[:, column], wanted[:, column])[0, 1])


@click.command()
@click.option("--blocks", type=click.IntRange(1), default=26, show_default=True, help="Of 13 minutes of speech.")
@click.option("--epochs", type=click.FloatRange(0.01), default=4.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--keep", type=click.Path(exists=True, path_type=Path), help="Weights; only f and v are learned anew.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=ROOT / "checkpoints" / "speech.npz")
def main(blocks: int, epochs: float, seed: int, device: str, keep: Path | None, output: Path) -> None:
    """Makes speech, trains, tests, and writes the weights and the log."""
    output.parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.StreamHandler(), logging.FileHandler(output.with_suffix(".log"), "w")]
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers)
    torch.manual_seed(seed)
    began = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        made = [each for part in pool.map(block, range(seed * 100, seed * 100 + blocks)) for each in part]
    pieces = Pieces(made, seed)
    hours = len(pieces.seen) / HOP_RATE / 3600
    _log.info("%d blocks, seed %d: %.2f hours in %.0f s", blocks, seed, hours, time.monotonic() - began)
    network = learned(pieces, epochs, torch.device(device), keep)
    like = (f"{name} {value:.2f}" for name, value in likeness(network, pieces, torch.device(device)))
    _log.info("kept back, correlation: %s", ", ".join(like))
    with output.open("wb") as file:  # a path without .npz would get one
        np.savez(file, **network.weights())
    for line in closures(shape.load(output), seed):
        _log.info("%s", line)
    _log.info("done in %.0f s", time.monotonic() - began)


if __name__ == "__main__":
    main()
