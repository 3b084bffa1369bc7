"""What the bytes of a stream are cut into, and what cuts them."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Unit(NamedTuple):
    """Some bytes of a stream, none of them torn. key: a viewer can start here (after the stream's header)."""

    data: bytes
    key: bool


class Cutter(Protocol):
    """Takes a stream in pieces of any size. Nothing that comes makes it raise, or hold more than a limit.

    header: what a viewer needs before the first key unit; empty where units need none, or it has not come yet.
    skip: nobody wants the units: keep the header, stay in step, and give nothing.
    lost: bytes that were no stream and were dropped.
    """

    header: bytes
    skip: bool
    lost: int

    def feed(self, data: bytes) -> list[Unit]:
        """What has become whole."""
        ...
