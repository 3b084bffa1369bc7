"""What a server and its children use: CPU, memory, file descriptors. From /proc; other systems do not tell."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
KINDS = ("server", "studio", "ffmpeg")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of all processes of each kind: seconds of CPU since they began, MiB in memory, open file descriptors."""

    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)


def usage(pid: int) -> Usage | None:
    """Of a server's process and all below it; None where the system does not tell."""
    if not (PROC / "self" / "stat").exists():
        return None
    seen = Usage(dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0))
    page, tick = resource.getpagesize(), os.sysconf("SC_CLK_TCK")
    for number, name, fields in _tree(pid):
        kind = "server" if number == pid else "ffmpeg" if name == "ffmpeg" else "studio"
        seen.cpu[kind] += (int(fields[11]) + int(fields[12])) / tick
        seen.memory[kind] += int(fields[21]) * page / 2**20
        with suppress(OSError):
            seen.files[kind] += sum(1 for _ in (PROC / str(number) / "fd").iterdir())
    return seen


def busy() -> float | None:
    """Seconds of CPU that the whole machine has used since it began, all cores; None where the system does not tell."""
    try:
        user, nice, system, _, _, irq, softirq, steal, *_ = (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    except (OSError, ValueError):
        return None
    ticks = sum(map(int, (user, nice, system, irq, softirq, steal)))
    return ticks / os.sysconf("SC_CLK_TCK")


def _tree(pid: int) -> list[tuple[int, str, list[str]]]:
    """The process and all below it: its id, its name, and the fields of /proc/PID/stat from the state on (proc(5))."""
    rows: dict[int, tuple[int, str, list[str]]] = {}
    for path in PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            head, _, rest = path.read_text(errors="replace").rpartition(")")
            number, _, name = head.partition(" (")
            rows[int(number)] = int(rest.split()[1]), name, rest.split()
    return [(number, *row[1:]) for number, row in sorted(rows.items()) if _below(number, pid, rows)]


def _below(number: int, pid: int, rows: dict[int, tuple[int, str, list[str]]]) -> bool:
    """Whether a process is `pid` or one of its descendants."""
    while number in rows and number != pid:
        number = rows[number][0]
    return number == pid
