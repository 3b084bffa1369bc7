"""Servers with short-lived rooms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parent / "short_lived.py"


@pytest.fixture
def short_lived(serving: Callable[..., Any], hero: Path) -> Callable[..., Any]:
    """A server with faces hero and twin, whose rooms are as the arguments say (of rooms.Manner)."""
    return lambda **manner: serving(hero, json.dumps(manner), program=(PROGRAM,))
