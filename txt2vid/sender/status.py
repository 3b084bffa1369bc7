"""What a sender knows of itself, for the meter and for the report at the end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from txt2vid.core.wire import Stats

SILENT = -90.0  # dBFS: below the least significant bit of 16 bits


@dataclass(slots=True)
class Status:
    """state: in a word or two. level: of the last sound, peak in dBFS. seconds, texts: sent so far. characters: of the
    texts. text_bytes: of their messages. moved: motions of a camera. stats: the last that came.
    """

    state: str = "connecting"
    session: str | None = None
    muted: bool = False
    level: float = SILENT
    seconds: float = 0.0
    texts: int = 0
    characters: int = 0
    text_bytes: int = 0
    dropped: float = 0.0
    moved: int = 0
    reconnects: int = 0
    stats: Stats | None = None

    def wrote(self, text: str, message: str | bytes) -> None:
        """One more text was sent."""
        self.texts += 1
        self.characters += len(text)
        self.text_bytes += len(message.encode() if isinstance(message, str) else message)

    def report(self) -> dict[str, Any]:
        """For --json."""
        return {
            "session": self.session,
            "seconds_sent": round(self.seconds, 3),
            "seconds_dropped": round(self.dropped, 3),
            "texts_sent": self.texts,
            "characters_sent": self.characters,
            "text_bytes_sent": self.text_bytes,
            "motions_sent": self.moved,
            "reconnects": self.reconnects,
            "stats": asdict(self.stats) if self.stats else None,
        }
