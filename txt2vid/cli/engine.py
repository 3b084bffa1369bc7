"""The options that say what draws, for every command that draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from txt2vid import registry
from txt2vid.core.options import (
    ALIGNMENTS,
    ENGINE_DEVICES,
    ENGINE_DTYPES,
    FACE_DETECTORS,
    PASTES,
    EngineOptions,
    parse_engine,
)

Command = TypeVar("Command", bound=Callable[..., Any])
_NAMES = ("engine", "device", "dtype", "paste", "pads", "alignment")


def _options() -> list[Callable[[Any], Any]]:
    known = ", ".join(("auto", *registry.names("engine")))
    return [
        click.option("--engine", metavar="NAME", help=f"What draws: {known}. [default: auto]"),
        click.option(
            "--checkpoint",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="Weights for an engine that needs some.",
        ),
        click.option("--device", metavar="NAME", help=f"Where a network runs: {', '.join(ENGINE_DEVICES)}."),
        click.option("--dtype", metavar="NAME", help=f"With what numbers: {', '.join(ENGINE_DTYPES)}."),
        click.option("--paste", metavar="NAME", help=f"How a network's mouth is laid on: {', '.join(PASTES)}."),
        click.option("--pads", metavar="T,B,L,R", help="Pixels that the face's box grows by. [default: 0,10,0,0]"),
        click.option("--alignment", metavar="NAME", help=f"Sound to lips, of a network: {', '.join(ALIGNMENTS)}."),
        click.option("--detector", metavar="NAME", help=f"What finds faces: {', '.join(FACE_DETECTORS)}."),
    ]


def engine_options(command: Command) -> Command:
    """Adds them to a command, which gets them by their names; None where they are not given."""
    for option in reversed(_options()):
        command = option(command)
    return command


def parsed_engine(given: Mapping[str, Any]) -> EngineOptions:
    """What they ask for. Raises UsageError where they make no sense."""
    words = {name: given[name] for name in _NAMES if given[name] is not None}
    return parse_engine(words, given["checkpoint"])
