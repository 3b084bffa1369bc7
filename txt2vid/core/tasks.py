"""Waiting in asyncio without losing a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def within(work: Awaitable[T], seconds: float) -> T:
    """What the work returns. Raises asyncio.TimeoutError where it takes longer; then it is cancelled.

    As asyncio.wait_for, which before Python 3.12 drops a cancellation that comes together with the result: whoever is
    cancelled then goes on for ever.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # was raised, or comes too late for one who is cancelled
    raise asyncio.TimeoutError
