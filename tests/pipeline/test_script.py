"""Texts that wait for their voice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from txt2vid.core.media import LISTENING_RATE
from txt2vid.pipeline.messages import Say
from txt2vid.pipeline.script import AHEAD_SECONDS, Line, Script


def test_a_cut_tells_of_a_text_whose_first_sentence_is_being_made() -> None:
    with ThreadPoolExecutor(1) as executor:
        busy = threading.Event()
        executor.submit(busy.wait)  # so that the text waits in the thread
        script = Script(executor)
        script.add(Say("hero", "Hello.", 1))
        script.add(Say("hero", "Goodbye.", 2))
        assert script.next() is None
        assert sorted(script.cut()) == [1, 2]
        assert script.idle
        busy.set()


def test_after_a_long_sentence_the_next_one_is_there_already(executor: ThreadPoolExecutor) -> None:
    script = Script(executor)
    script.add(Say("hero", f"{'One two three four five six seven eight. ' * 3}".replace(". ", ", ") + "nine. Ten.", 1))
    first, second = script.next(), script.next()
    assert isinstance(first, Line)
    assert len(first.sound) > AHEAD_SECONDS * LISTENING_RATE
    assert isinstance(second, Line)
