"""What a sender knows of itself, for the meter and for the report at the end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from txt2vid.core.wire import Stats

SILENT = -90.0  # dBFS: below the least significant bit of 16 bits


@dataclass(slots=True)
class Status:
    """state: in a word or two. level: of the last sound, peak in dBFS. seconds, texts: sent so far. stats: the last
    that came.
    """

    state: str = "connecting"
    session: str | None = None
    muted: bool = False
    level: float = SILENT
    seconds: float = 0.0
    texts: int = 0
    dropped: float = 0.0
    reconnects: int = 0
    stats: Stats | None = None

    def report(self) -> dict[str, Any]:
        """For --json."""
        return {
            "session": self.session,
            "seconds_sent": round(self.seconds, 3),
            "seconds_dropped": round(self.dropped, 3),
            "texts_sent": self.texts,
            "reconnects": self.reconnects,
            "stats": asdict(self.stats) if self.stats else None,
        }
