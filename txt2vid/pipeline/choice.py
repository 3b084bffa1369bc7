"""Which engine draws: the one that was asked for, or the best that this machine can run."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from dataclasses import dataclass, replace

from txt2vid import registry
from txt2vid.core.options import EngineOptions
from txt2vid.engines.base import Engine, Network
from txt2vid.errors import Txt2VidError
from txt2vid.weights import place

EMBEDDED = "mesh"
"""The engine that needs nothing."""
NEURAL = "wav2lip"
"""The engine that "auto" asks for first."""
KEEPS_UP = 30.0  # frames a second that a network must manage: 25, and some room for what else there is to do

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chosen:
    """An engine. name: in the registry. why: of a choice that was left open, in words for people; else empty."""

    name: str
    engine: Engine
    why: str = ""


def choose(options: EngineOptions) -> Chosen:
    """The engine for renders, in this process. Raises Txt2VidError where the one that was asked for cannot be had."""
    if options.name != "auto":
        check(options)
        return Chosen(options.name, registry.load("engine", options.name)(options))
    missing = lacking(options)
    if missing:
        return Chosen(EMBEDDED, registry.load("engine", EMBEDDED)(options), missing)
    try:
        network = load_network(NEURAL, options)
        keeps_up, why = judged(network)
        if keeps_up:
            neural = replace(options, name=NEURAL)
            return Chosen(NEURAL, registry.load("engine", NEURAL)(neural, network=network), why)
    except Txt2VidError as err:
        if options.checkpoint is not None:
            raise  # somebody chose these weights
        why = str(err)
    _log.info("engine %s: %s", EMBEDDED, why)
    return Chosen(EMBEDDED, registry.load("engine", EMBEDDED)(options), why)


def check(options: EngineOptions) -> None:
    """Raises UsageError where the engine is not known or the checkpoint is not there, DependencyError where weights are
    asked for by a name that were not fetched.
    """
    if options.name not in ("auto", *registry.names("engine")):
        registry.load("engine", options.name)  # raises, and names those that are
    if options.checkpoint is not None:
        place.resolve(options.checkpoint, NEURAL)


def lacking(options: EngineOptions) -> str:
    """What the neural engine lacks here, in words; empty where it may work. Imports nothing heavy."""
    check(options)
    if options.checkpoint is None and place.find(NEURAL) is None:
        return "no weights of Wav2Lip here (txt2vid models list)"
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed (pip install 'txt2vid[wav2lip]')"
    return ""


def load_network(engine: str, options: EngineOptions) -> Network:
    """The network of an engine, on its device. Raises Txt2VidError where it cannot be had."""
    path = registry.load("engine", engine).network
    module, _, attribute = path.partition(":")
    network: Network = getattr(importlib.import_module(module), attribute)(options)
    return network


def judged(network: Network) -> tuple[bool, str]:
    """Whether a network keeps up with a live face, measured now, and that in words."""
    speed = network.speed()
    words = f"{network.device} draws {speed:.0f} mouths a second"
    return speed >= KEEPS_UP, words if speed >= KEEPS_UP else f"{words}, and {KEEPS_UP:.0f} are needed"
