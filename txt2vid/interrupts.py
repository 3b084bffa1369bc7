"""Ctrl-C and its relatives: every `finally` and `with` runs, no wish to end is lost, nothing is torn in two.

Python runs signal handlers between any two steps of the main thread. What must happen whole or not at all (a program is
started, and its number is known) therefore happens in another thread (`apart`).
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

T = TypeVar("T")

_AGAIN = 0.05  # seconds until a lost signal is repeated
_POLL = 0.002  # seconds


class Terminated(BaseException):
    """A polite signal to end. No KeyboardInterrupt, to which libraries add waits and lines of their own.

    exit_code: 128 and the signal's number, as shells report it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number
        self.exit_code = 128 + number


def unwind_on(*numbers: signal.Signals) -> None:
    """From now on these signals raise Terminated in the main thread, from which this must be called.

    A signal that is ignored stays so (nohup). One that comes while Terminated already unwinds does not disturb that.
    """
    for number in numbers:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _terminate)
    sys.unraisablehook, sys.excepthook = _repeat_lost, _repeat_printed


def apart(work: Callable[[], T]) -> T:
    """What `work` returns or raises. An interrupt waits until it has ended, or keeps it from beginning.

    Work must be short, or end soon at an interrupt for reasons of its own.
    """
    lock, ended = threading.Lock(), threading.Lock()
    ended.acquire()
    begun, wanted = False, True
    values: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        nonlocal begun
        with lock:
            if not wanted:
                return
            begun = True
        try:
            values.append(work())
        except BaseException as err:  # noqa: BLE001 - raised again below
            errors.append(err)
        ended.release()

    try:
        # one step, where threading.Thread.start is many: interrupted within, it leaves a thread that never begins
        _thread.start_new_thread(run, ())
        ended.acquire()
    finally:
        with lock:
            wanted = False
        while begun and not values and not errors:
            time.sleep(_POLL)
    if errors:
        raise errors[0]
    return values[0]


def termination(error: BaseException | None) -> Terminated | None:
    """The Terminated that an error is, or came of: C code turns it into others ("initialization failed")."""
    while error is not None and not isinstance(error, Terminated):
        error = error.__cause__ or error.__context__
    return error


def _terminate(number: int, frame: FrameType | None) -> None:
    del frame
    if termination(sys.exc_info()[1]) is None:
        raise Terminated(number)


def _repeat_lost(lost: UnraisableHookArgs) -> None:
    """Python drops what is raised in callbacks (of weak references, of ctypes): then the signal comes again."""
    if isinstance(lost.exc_value, Terminated):
        _repeat(lost.exc_value)
    else:
        sys.__unraisablehook__(lost)


def _repeat_printed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """C++ that calls Python prints what is raised there, and goes on (protobuf, while MediaPipe loads)."""
    if isinstance(error, Terminated):
        _repeat(error)
    else:
        sys.__excepthook__(kind, error, trace)


def _repeat(lost: Terminated) -> None:
    threading.Timer(_AGAIN, os.kill, (os.getpid(), lost.number)).start()
