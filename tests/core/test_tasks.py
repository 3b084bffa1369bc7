"""Waiting with a limit: no cancellation is lost."""

from __future__ import annotations

import asyncio

import pytest

from txt2vid.core.tasks import within


def test_a_result_and_a_limit() -> None:
    async def main() -> None:
        assert await within(asyncio.sleep(0, "done"), 5) == "done"
        with pytest.raises(asyncio.TimeoutError):
            await within(asyncio.Event().wait(), 0.01)

    asyncio.run(main())


def test_a_cancellation_that_comes_with_the_result_counts() -> None:
    async def main() -> None:
        event = asyncio.Event()
        waiting = asyncio.create_task(within(event.wait(), 60))
        await asyncio.sleep(0.01)
        event.set()
        await asyncio.sleep(0)  # the work is done, and `within` has not gone on
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
