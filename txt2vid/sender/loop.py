"""Running asyncio so that Ctrl-C and SIGTERM end it as they end everything else here: by unwinding."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from txt2vid.interrupts import Terminated

T = TypeVar("T")

_AGAIN = 0.2  # seconds between cancellations
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns. A signal cancels it; once it has unwound, Terminated is raised.

    Terminated itself, raised somewhere within the loop, could be taken for the failure of a callback, and lost.
    """
    caught: list[int] = []

    async def main() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

        def end(number: int) -> None:
            caught.append(number)
            task.cancel()

        for number, handler in handlers.items():
            if handler is not signal.SIG_IGN:
                loop.add_signal_handler(number, end, number)
        try:
            return await task
        finally:
            for number, handler in handlers.items():
                if loop.remove_signal_handler(number):
                    signal.signal(number, handler)

    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        result = asyncio.run(main())
    except asyncio.CancelledError:
        if not caught:
            raise
        raise Terminated(caught[0]) from None
    if caught:  # it ended just then
        raise Terminated(caught[0])
    return result


async def beside(main: Coroutine[Any, Any, T], *helpers: Coroutine[Any, Any, None]) -> T:
    """What `main` returns, or raises. Helpers run meanwhile, and are ended with it; an error of one ends all."""
    task = asyncio.ensure_future(main)
    others = {asyncio.ensure_future(helper) for helper in helpers}
    everyone: set[asyncio.Future[Any]] = {task, *others}
    try:
        while not task.done():
            done, _ = await asyncio.wait({task, *others}, return_when=asyncio.FIRST_COMPLETED)
            for other in done & others:
                other.result()
            others -= done
        return task.result()
    finally:
        await _end(everyone)


async def both(*works: Coroutine[Any, Any, None]) -> None:
    """Returns when all have ended; an error of one ends all."""
    tasks = {asyncio.ensure_future(work) for work in works}
    try:
        await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


async def _end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancels until all have ended: `wait_for` before Python 3.12 loses a cancellation that comes with its result."""
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=_AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # was seen, or does not matter beside what ended all
