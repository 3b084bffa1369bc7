"""One sender a session, and the way back for one that was cut off."""

from __future__ import annotations

import pytest

from txt2vid.core.wire import AudioFormat, Hello, ServerMessage
from txt2vid.server import limits
from txt2vid.server.seat import Refused, Seat, Sender


class Somebody(Sender):
    """A sender that is only there."""

    label = "somebody"

    def tell(self, message: ServerMessage) -> None:
        del message

    def dismiss(self, code: str, message: str) -> None:
        del code, message


OPUS, PCM = AudioFormat(), AudioFormat("pcm_s16le", 16_000)


@pytest.fixture
def seat() -> Seat:
    return Seat()


def test_the_first_begins_anew(seat: Seat) -> None:
    taken = seat.take(Somebody(), Hello(audio=OPUS), 0)
    assert (taken.fresh, taken.replaced) == (True, None)
    assert len(taken.resume) >= 16
    assert seat.audio == OPUS


@pytest.mark.parametrize("resume", [None, "", "guess", "ü"])
def test_a_second_is_refused(seat: Seat, resume: str | None) -> None:
    first = Somebody()
    seat.take(first, Hello(), 0)
    with pytest.raises(Refused) as caught:
        seat.take(Somebody(), Hello(resume=resume), 1)
    assert caught.value.code == "busy"
    assert seat.sender is first


def test_the_secret_takes_over(seat: Seat) -> None:
    first, second = Somebody(), Somebody()
    secret = seat.take(first, Hello(audio=OPUS), 0).resume
    taken = seat.take(second, Hello(audio=OPUS, resume=secret), 1)
    assert (taken.fresh, taken.replaced, taken.resume) == (False, first, secret)
    assert not seat.leave(first, broken=True, now=2)
    assert seat.sender is second


def test_a_place_is_kept_for_one_that_was_cut_off(seat: Seat) -> None:
    secret = seat.take(first := Somebody(), Hello(audio=OPUS), 0).resume
    assert seat.leave(first, broken=True, now=5)
    with pytest.raises(Refused):
        seat.take(Somebody(), Hello(), 5 + limits.GRACE - 0.1)
    taken = seat.take(Somebody(), Hello(audio=OPUS, resume=secret), 5 + limits.GRACE - 0.1)
    assert (taken.fresh, taken.replaced) == (False, None)


def test_another_format_begins_anew(seat: Seat) -> None:
    secret = seat.take(first := Somebody(), Hello(audio=OPUS), 0).resume
    seat.leave(first, broken=True, now=1)
    assert seat.take(Somebody(), Hello(audio=PCM, resume=secret), 2).fresh


def test_after_the_grace_the_secret_is_worth_nothing(seat: Seat) -> None:
    secret = seat.take(first := Somebody(), Hello(), 0).resume
    seat.leave(first, broken=True, now=0)
    taken = seat.take(Somebody(), Hello(resume=secret), limits.GRACE + 0.1)
    assert taken.fresh
    assert taken.resume != secret


def test_one_that_says_goodbye_leaves_its_place(seat: Seat) -> None:
    secret = seat.take(first := Somebody(), Hello(), 0).resume
    seat.leave(first, broken=False, now=1)
    assert not seat.held(1)
    taken = seat.take(Somebody(), Hello(resume=secret), 1)
    assert taken.fresh
    assert taken.resume != secret
