"""Log lines, as people and as programs read them."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from txt2vid.server.logs import JsonLines, TextLines, say


def record(caplog: pytest.LogCaptureFixture, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    log = logging.getLogger("txt2vid.server.test")
    with caplog.at_level(logging.DEBUG, log.name):
        say(log, "sender gone", level, **fields)
    return caplog.records[-1]


def test_text_lines(caplog: pytest.LogCaptureFixture) -> None:
    line = TextLines().format(record(caplog, session="hero", why='said "no"\nand left', viewers=2, empty=""))
    assert line[8:] == r' sender gone session=hero why="said \"no\"\nand left" viewers=2 empty=""'
    assert " warning: sender gone" in TextLines().format(record(caplog, logging.WARNING))


def test_json_lines(caplog: pytest.LogCaptureFixture) -> None:
    line = JsonLines().format(record(caplog, session="hero", why="line\nbreak"))
    body = json.loads(line)
    assert "\n" not in line
    assert body["event"] == "sender gone"
    assert (body["level"], body["session"], body["why"]) == ("info", "hero", "line\nbreak")
    assert body["time"].endswith("+00:00")


def test_a_traceback_is_kept() -> None:
    try:
        raise ValueError("x")
    except ValueError:
        made = logging.LogRecord("a", logging.ERROR, "b.py", 1, "broken %s", ("part",), sys.exc_info())
    assert "ValueError: x" in TextLines().format(made)
    assert "ValueError: x" in json.loads(JsonLines().format(made))["traceback"]
