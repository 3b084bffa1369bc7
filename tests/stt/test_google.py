"""Google's own client code against a server on this machine that answers as the documented API does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stt.contract import EarContract, hear
from txt2vid.core.media import Samples
from txt2vid.errors import SpeechError, UsageError

grpc = pytest.importorskip("grpc", reason="the extra cloud is not installed")
pytest.importorskip("google.cloud.speech_v2", reason="the extra cloud is not installed")

from tests.stt.clouds import Answer, Asked, Cloud, certify, fails, says  # noqa: E402
from txt2vid.stt import google  # noqa: E402
from txt2vid.stt.base import pcm  # noqa: E402
from txt2vid.stt.google import GoogleSpeech  # noqa: E402

SECRET = "AIza-secret"  # noqa: S105
Serve = Callable[..., Cloud]


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Once: gRPC reads what it trusts at the first call, and never again."""
    return certify(tmp_path_factory.mktemp("cloud"))


@pytest.fixture
def serve(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a server with these answers, and points the environment to it."""
    running = []

    def start(*answers: Answer) -> Cloud:
        context = Cloud(list(answers)).open(trusted.parent)
        cloud = context.__enter__()
        running.append(context)
        for name in (google.ACCOUNT, google.KEY_FILE):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(google.ENDPOINT, cloud.address)
        monkeypatch.setenv(google.KEY, SECRET)
        monkeypatch.setenv(google.PROJECT, "a-project")
        monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(trusted))
        return cloud

    yield start
    for context in running:
        context.__exit__(None, None, None)


def hangs(_asked: Asked, context: Any) -> Iterator[Any]:
    """Says nothing until nobody waits any more."""
    while context.is_active():
        time.sleep(0.05)
    yield from ()


class TestGoogle(EarContract):
    @pytest.fixture
    def ear(self, serve: Serve) -> GoogleSpeech:
        serve(says("Hello, my friend."))
        return GoogleSpeech()


def test_what_is_asked_and_understood(serve: Serve, hello: Samples) -> None:
    cloud = serve(says("Hello, my friend.", "How are you?"))
    ear = GoogleSpeech(language="en-GB")
    ear.begin()
    deadline = time.monotonic() + 20
    while ear.push(hello[:160]) != "hello":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    ear.push(hello)
    assert ear.end() == "Hello, my friend. How are you?"
    (asked,) = cloud.asked
    assert asked.metadata["x-goog-api-key"] == SECRET
    assert asked.first is not None
    assert asked.first.recognizer == "projects/a-project/locations/global/recognizers/_"
    settings = asked.first.streaming_config
    assert list(settings.config.language_codes) == ["en-GB"]
    assert settings.config.explicit_decoding_config.sample_rate_hertz == 16_000
    assert settings.streaming_features.interim_results
    assert settings.config.features.enable_automatic_punctuation
    assert asked.sound.endswith(pcm(hello))


def test_what_passes_is_tried_again_with_the_whole_utterance(serve: Serve, hello: Samples) -> None:
    cloud = serve(fails(grpc.StatusCode.UNAVAILABLE), fails(grpc.StatusCode.RESOURCE_EXHAUSTED), says("Hello."))
    assert hear(GoogleSpeech(), hello)[1] == "Hello."
    assert [asked.sound for asked in cloud.asked] == [pcm(hello)] * 3


@pytest.mark.parametrize(
    ("code", "calls", "words"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, 1, "401: no.*check GOOGLE_API_KEY"),
        (grpc.StatusCode.PERMISSION_DENIED, 1, "403: no.*let the key or account use"),
        (grpc.StatusCode.INVALID_ARGUMENT, 1, "400: no.*check --stt-language"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 3, "429: no.*wait, raise the project's quota"),
        (grpc.StatusCode.INTERNAL, 3, "500: no.*try again later, or choose another --stt-backend"),
    ],
)
def test_refusals(serve: Serve, hello: Samples, code: object, calls: int, words: str) -> None:
    cloud = serve(fails(code))
    with pytest.raises(SpeechError, match=words) as caught:
        hear(GoogleSpeech(), hello)
    assert len(cloud.asked) == calls
    assert SECRET not in str(caught.value)


def test_a_server_that_hangs(serve: Serve, hello: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(google, "CALL_SECONDS", 3.0)
    serve(hangs)
    with pytest.raises(SpeechError, match="gave no answer for"):
        hear(GoogleSpeech(), hello)


def test_nobody_is_there(serve: Serve, hello: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(says("Hello."))
    monkeypatch.setenv(google.ENDPOINT, "localhost:1")
    with pytest.raises(SpeechError, match=r"503.*try again later"):
        hear(GoogleSpeech(), hello)


def test_keys(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(says("Hello."))
    monkeypatch.delenv(google.PROJECT)
    with pytest.raises(SpeechError, match="set GOOGLE_CLOUD_PROJECT"):
        GoogleSpeech()
    monkeypatch.delenv(google.KEY)
    with pytest.raises(SpeechError, match="google needs a key: set GOOGLE_APPLICATION_CREDENTIALS"):
        GoogleSpeech()
    monkeypatch.setenv(google.KEY_FILE, str(tmp_path / "none"))
    with pytest.raises(SpeechError, match="cannot be read"):
        GoogleSpeech()
    (tmp_path / "key").write_text(SECRET + "\n")
    monkeypatch.setenv(google.KEY_FILE, str(tmp_path / "key"))
    monkeypatch.setenv(google.PROJECT, "a-project")
    GoogleSpeech()
    monkeypatch.delenv(google.KEY_FILE)
    for content in ("no json", "{}"):
        (tmp_path / "account.json").write_text(content)
        monkeypatch.setenv(google.ACCOUNT, str(tmp_path / "account.json"))
        with pytest.raises(SpeechError, match="is no key of google's"):
            GoogleSpeech()


def test_a_model_is_of_no_use(serve: Serve, tmp_path: Path) -> None:
    serve(says("Hello."))
    with pytest.raises(UsageError, match="leave --stt-model out"):
        GoogleSpeech(tmp_path)
