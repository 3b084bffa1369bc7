"""What the server logs: one line an event, as text or as JSON. No tokens, no query strings, nothing that was said."""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime, timezone
from typing import Literal

Format = Literal["text", "json"]
_FIELDS = "txt2vid_fields"
_MISTAKEN = "ASGI callable returned without completing handshake."  # uvicorn's, of websockets that the guard refused


def say(log: logging.Logger, event: str, level: int = logging.INFO, /, **fields: object) -> None:
    """Logs an event ("session opened") and what belongs to it (session="hero")."""
    log.log(level, event, extra={_FIELDS: fields})


def configure(how: Format, *, debug: bool = False) -> None:
    """From now on the server's events and other packages' warnings go to the root's handlers in this format."""
    if not logging.getLogger().handlers:
        logging.basicConfig()
    formatter = JsonLines() if how == "json" else TextLines()
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)
    logging.getLogger("txt2vid.server").setLevel(logging.DEBUG if debug else logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)  # below it, uvicorn logs query strings, and tokens in them
    logging.getLogger("uvicorn.error").addFilter(_is_meant)


def _is_meant(record: logging.LogRecord) -> bool:
    return record.msg != _MISTAKEN


class TextLines(logging.Formatter):
    """`12:00:00 session opened session=hero face=hero`; at warnings and above, the level before the event."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback after it where there is one."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        fields = "".join(f" {name}={_shown(value)}" for name, value in getattr(record, _FIELDS, {}).items())
        line = " ".join(f"{clock} {level}{record.getMessage()}{fields}".split())
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, event, logger, and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the record holds."""
        body: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            body["traceback"] = self.formatException(record.exc_info)
        return json.dumps(body, ensure_ascii=False, default=str)


def _shown(value: object) -> str:
    """As text without spaces where it has none itself, else quoted as JSON."""
    text = str(value)
    return text if text and not set(text) & set(' "=') else json.dumps(text, ensure_ascii=False)
