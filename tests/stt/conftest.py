from __future__ import annotations

import pytest

from tests.stt.contract import spoken
from txt2vid.core.media import Samples

SENTENCE = "Give me a few words, and watch my lips move with them."


@pytest.fixture(scope="session")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Three seconds of speech at 16 kHz: SENTENCE."""
    return spoken(tmp_path_factory.mktemp("stt") / "hello.wav", SENTENCE)
