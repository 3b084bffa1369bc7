from __future__ import annotations

import pytest

from tests.transports.media import FRAGMENTED, Streams, made


@pytest.fixture(scope="session")
def streams() -> Streams:
    """The same few seconds in both containers."""
    return Streams(made("-f", "mpegts"), made("-f", "mp4", "-movflags", FRAGMENTED))
