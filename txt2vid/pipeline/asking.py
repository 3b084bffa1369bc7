"""A studio's side of the network: its questions, and what it believes that the network knows."""

from __future__ import annotations

from typing import cast

from txt2vid.pipeline.batching import Answered, Asked, Key
from txt2vid.pipeline.link import Link
from txt2vid.pipeline.stage import Pending

MAX_KEYS = 20_000  # frames of faces whose crops were sent; past that all are taken for forgotten, and sent again


class Asking:
    """Questions are collected by `ask` and sent by `flush`: one message for all sessions of a moment."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sent: set[Key] = set()
        self._questions: list[Asked] = []

    def fileno(self) -> int:
        """For selectors."""
        return self._link.fileno()

    def ask(self, session: str, pending: Pending) -> None:
        """The mouth of a session's frame."""
        question = pending.question
        if len(self._sent) >= MAX_KEYS:
            self._sent.clear()
        crop = None if question.key in self._sent else question.crop()
        self._sent.add(question.key)
        self._questions.append(Asked(session, pending.ticket, question.key, crop, question.heard, pending.due))

    def flush(self) -> None:
        """Sends what was asked. A network that does not read is not waited for: its answers would be too late."""
        self._link.flush()
        if not self._questions:
            return
        if not self._link.send(self._questions, droppable=True):
            self._sent.difference_update(each.key for each in self._questions)
        self._questions = []

    def receive(self) -> list[Answered]:
        """All answers that have come. Raises EOFError where the network is gone."""
        answers = [each for message, _ in self._link.receive() for each in cast("list[Answered]", message)]
        self._sent.difference_update(each.key for each in answers if each.mouth is None)
        return answers

    def close(self) -> None:
        """Closes this end."""
        self._link.close()
