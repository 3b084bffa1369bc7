"""What every paid voice promises, asked of the real clients against a service on this machine."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from tests.cloud.service import Answer, Request, Service, running, wait_until
from tests.tts.sounds import resembles_wav, tone, wav
from txt2vid.cloud.http import SECONDS_VARIABLE
from txt2vid.errors import DependencyError, SpeechError, UsageError
from txt2vid.tts import google, resemble
from txt2vid.tts.base import Synthesizer, Utterance
from txt2vid.tts.google import Google
from txt2vid.tts.resemble import Resemble

KEY = "AIza-s3cr3t-4711"
SILENT = 1.0  # seconds that a service may be silent in these tests
GOOGLES = [
    {"name": "en-US-Neural2-C", "languageCodes": ["en-US"], "ssmlGender": "FEMALE", "naturalSampleRateHertz": 24000},
    {"name": "de-DE-Wavenet-B", "languageCodes": ["de-DE"], "ssmlGender": "MALE", "naturalSampleRateHertz": 24000},
]
RESEMBLES = [
    {"uuid": "25c7823f", "name": "Anna", "default_language": "en-US"},
    {"uuid": "0badcafe", "name": "Bernd", "default_language": "de-DE"},
]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Service]:
    with running() as it:
        for variable in (google.URL_VARIABLE, resemble.URL_VARIABLE, resemble.STREAM_VARIABLE):
            monkeypatch.setenv(variable, it.url)
        for variable in (google.KEY, resemble.KEY):
            monkeypatch.setenv(variable, KEY)
        monkeypatch.setenv(SECONDS_VARIABLE, str(SILENT))
        monkeypatch.setenv("TXT2VID_KEYS", str(tmp_path / "none"))
        yield it


class Paid:
    """Inherited by a class for each service."""

    early: ClassVar[tuple[bytes, ...]] = ()  # bytes after which an answer may still be asked for anew
    engine: ClassVar[type[Synthesizer]]
    voice: ClassVar[str]
    variable: ClassVar[str]
    url_variable: ClassVar[str]

    @staticmethod
    def sound() -> Answer:
        """A sentence as the service sends it."""
        raise NotImplementedError

    @staticmethod
    def broken(data: bytes) -> Answer:
        """Other bytes in place of a sentence's sound."""
        raise NotImplementedError

    @staticmethod
    def voices() -> Answer:
        """The voices that there are."""
        raise NotImplementedError

    def say(self, text: str = "Hello there.") -> list[Utterance]:
        return list(self.engine(self.voice).speak(text))

    def test_a_sentence(self, service: Service) -> None:
        service.always = lambda _: self.sound()
        samples = np.concatenate([each.audio.samples for each in self.say()])
        assert np.abs(samples).max() > 0.4
        assert len(service.requests) == 1

    def test_the_key_goes_into_a_header_alone(self, service: Service) -> None:
        service.always = lambda _: self.sound()
        self.say()
        (request,) = service.requests
        assert KEY not in request.path
        assert KEY not in request.body.decode()
        assert [value for value in request.headers.values() if KEY in value]

    @pytest.mark.parametrize("status", [500, 503, 429])
    def test_what_passes_is_tried_again(self, service: Service, status: int) -> None:
        service.plan.append(Answer.of({"error": {"message": "not now"}}, status))
        service.always = lambda _: self.sound()
        assert self.say()
        assert len(service.requests) == 2

    def test_retry_after_is_waited_for(self, service: Service) -> None:
        service.plan.append(Answer(429, headers={"Retry-After": "0.4"}))
        service.always = lambda _: self.sound()
        began = time.monotonic()
        assert self.say()
        assert time.monotonic() - began >= 0.4

    def test_a_long_retry_after_is_an_error_at_once(self, service: Service) -> None:
        service.always = lambda _: Answer(429, headers={"Retry-After": "3600"})
        began = time.monotonic()
        with pytest.raises(SpeechError, match=r"is asked too often \(429\): try again later"):
            self.say()
        assert time.monotonic() - began < 20
        assert len(service.requests) == 1

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_key_that_is_refused_is_not_tried_again_nor_shown(self, service: Service, status: int) -> None:
        service.always = lambda _: Answer.of(
            {"error": {"code": status, "message": f"API key {KEY} not valid."}}, status
        )
        with pytest.raises(SpeechError, match=rf"refuses the key \({status}: API key … not valid\.\): check") as raised:
            self.say()
        assert self.variable in str(raised.value)
        assert KEY not in str(raised.value)
        assert len(service.requests) == 1

    def test_a_service_that_fails_is_one_line(self, service: Service) -> None:
        service.always = lambda _: Answer.of({"error": {"message": "back\nend \x1b[31m" + "x" * 5000}}, 500)
        with pytest.raises(SpeechError, match=r"failed \(500: back end") as raised:
            self.say()
        assert len(str(raised.value)) < 300
        assert str(raised.value).isprintable()
        assert len(service.requests) == 3

    def test_a_service_that_hangs_is_given_up(self, service: Service) -> None:
        service.always = lambda _: Answer(hang=30)
        began = time.monotonic()
        with pytest.raises(SpeechError, match="gives no answer in time"):
            self.say()
        assert time.monotonic() - began < 20

    def test_nobody_is_there(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG002
        monkeypatch.setenv(self.url_variable, "http://127.0.0.1:1")
        with pytest.raises(SpeechError, match=r"cannot be reached \(Connection refused\)"):
            self.say()

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_no_key_is_sent_elsewhere(self, service: Service, status: int) -> None:
        with running() as other:
            other.always = lambda _: self.sound()
            service.always = lambda _: Answer(status, headers={"Location": f"{other.url}/v1/x"})
            with pytest.raises(SpeechError, match=rf"sends elsewhere \({status}\)"):
                self.say()
            assert not other.requests

    def test_an_answer_that_breaks_off_is_asked_for_again(self, service: Service) -> None:
        service.plan.append(Answer(parts=self.early, cut=True))
        service.always = lambda _: self.sound()
        assert self.say()
        assert len(service.requests) == 2

    @pytest.mark.parametrize("data", [b"", b"<html>busy</html>", b"ID3\x03mp3", wav(tone(1, 24_000), 24_000)[:9000]])
    def test_what_is_no_sound_or_half_of_it_is_an_error(self, service: Service, data: bytes) -> None:
        service.always = lambda _: self.broken(data)
        with pytest.raises(SpeechError, match=r"sent no sound|sent no WAV|only a part|no JSON") as raised:
            self.say()
        assert "\n" not in str(raised.value)

    def test_an_unknown_voice_names_the_nearest(self, service: Service) -> None:
        service.always = lambda request: (
            self.voices()
            if request.method == "GET"
            else Answer.of({"error": {"message": "Voice does not exist."}}, 400)
        )
        wrong = self.voice[:-1] + "?"
        with pytest.raises(UsageError, match=r"no voice|refuses the voice"):
            list(self.engine(wrong).speak("Hello."))

    def test_without_a_key_the_variable_is_named(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(self.variable)
        monkeypatch.setenv("HOME", "/nonexistent")
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        with pytest.raises(DependencyError, match=f"needs a key: .*{self.variable}"):
            self.engine(self.voice)
        with pytest.raises(DependencyError, match=self.variable):
            self.engine.ready()
        assert not service.requests

    @pytest.mark.parametrize(
        "url",
        ["http://example.org", "ftp://127.0.0.1", "https://u:p@host", "https://", "x", "https://h/?a=b", "http://[1"],
    )
    def test_an_address_that_no_key_may_go_to(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        monkeypatch.setenv(self.url_variable, url)
        with pytest.raises(UsageError, match=f"{self.url_variable} is no address that a key may be sent to"):
            self.engine(self.voice)
        assert not service.requests

    def test_no_log_shows_the_key(self, service: Service, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        for name in ("httpx", "httpcore"):
            logging.getLogger(name)
        service.plan.append(Answer.of({"error": {"message": KEY}}, 500))
        service.always = lambda _: self.sound()
        self.say()
        assert KEY not in caplog.text

    def test_the_voices_are_listed(self, service: Service) -> None:
        service.always = lambda _: self.voices()
        languages = {each.language for each in self.engine.listed()}
        assert languages == {"en-US", "de-DE"}
        assert self.engine.voices() == sorted(self.engine.voices())


class TestGoogle(Paid):
    engine, voice, early = Google, "en-US-Neural2-C", (b'{"audioContent": "UklG',)
    variable, url_variable = google.KEY, google.URL_VARIABLE

    @staticmethod
    def sound() -> Answer:
        return TestGoogle.broken(wav(tone(0.6, 24_000), 24_000))

    @staticmethod
    def broken(data: bytes) -> Answer:
        return Answer.of({"audioContent": base64.b64encode(data).decode()})

    @staticmethod
    def voices() -> Answer:
        return Answer.of({"voices": GOOGLES})

    def test_the_request_is_as_documented(self, service: Service) -> None:
        service.always = lambda _: self.sound()
        list(Google("de-DE-Wavenet-B").speak("Grüße & <b>."))
        (request,) = service.requests
        assert (request.method, request.path) == ("POST", "/text:synthesize")
        assert request.headers["x-goog-api-key"] == KEY
        assert request.json == {
            "input": {"text": "Grüße & <b>."},
            "voice": {"languageCode": "de-DE", "name": "de-DE-Wavenet-B"},
            "audioConfig": {"audioEncoding": "LINEAR16", "sampleRateHertz": 24000},
        }

    @pytest.mark.parametrize(
        ("language", "code"),
        [("de", "de"), ("en-us", "en-US"), ("cmn", "cmn-CN"), ("zh-TW", "cmn-TW"), (None, "en-US")],
    )
    def test_the_language_is_told(self, service: Service, language: str | None, code: str) -> None:
        service.always = lambda _: self.sound()
        list(Google(None, language).speak("Hello."))
        assert service.requests[0].json["voice"] == {"languageCode": code}

    @pytest.mark.parametrize("answer", [{}, {"audioContent": 7}, {"audioContent": "%%%"}])
    def test_an_answer_without_sound(self, service: Service, answer: Any) -> None:
        service.always = lambda _: Answer.of(answer)
        with pytest.raises(SpeechError, match="sent no sound"):
            self.say()

    def test_an_answer_that_is_no_object(self, service: Service) -> None:
        service.always = lambda _: Answer.of([1])
        with pytest.raises(SpeechError, match="no JSON object"):
            self.say()

    def test_the_nearest_is_named(self, service: Service) -> None:
        service.always = lambda request: (
            self.voices() if request.path == "/voices" else Answer.of({"error": {"message": "no such voice"}}, 400)
        )
        with pytest.raises(UsageError, match=r"no voice 'en-US-Neural2-D': choose one of en-US-Neural2-C"):
            list(Google("en-US-Neural2-D").speak("Hello."))


class TestServiceAccount:
    @pytest.fixture
    def account(self, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        pem = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        info = {
            "type": "service_account",
            "client_email": "me@example.iam.gserviceaccount.com",
            "token_uri": f"{service.url}/token",
            "private_key": pem.decode(),
            "private_key_id": "1",
        }
        path = tmp_path / "account.json"
        path.touch(0o600)
        path.write_text(json.dumps(info))
        monkeypatch.delenv(google.KEY)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        return path

    def answer(self, request: Request) -> Answer:
        if request.path == "/token":
            return Answer.of({"access_token": "t0k3n", "expires_in": 3600, "token_type": "Bearer"})
        return TestGoogle.sound()

    @pytest.mark.usefixtures("account")
    def test_a_token_is_fetched_once(self, service: Service) -> None:
        service.always = self.answer
        list(Google().speak("Hello. Bye."))
        assert [request.path for request in service.requests] == ["/token", "/text:synthesize", "/text:synthesize"]
        assert service.requests[1].headers["authorization"] == "Bearer t0k3n"

    @pytest.mark.usefixtures("account")
    def test_an_account_that_is_refused(self, service: Service) -> None:
        service.always = lambda _: Answer.of({"error": "invalid_grant"}, 400)
        with pytest.raises(SpeechError, match="gets no token for the credentials in"):
            list(Google().speak("Hello."))

    def test_files_that_are_refused(self, account: Path) -> None:
        good = json.loads(account.read_text())
        for text, message in (
            ("{", "holds no credentials"),
            ("[]", "holds no credentials"),
            (json.dumps({**good, "type": "external_account"}), "of type 'external_account'"),
            (json.dumps({**good, "token_uri": "http://example.org/"}), "no address that a key may be sent to"),
            (json.dumps({**good, "private_key": "x"}), "holds no credentials"),
        ):
            account.write_text(text)
            with pytest.raises(UsageError, match=message):
                Google()
        account.chmod(0o644)
        with pytest.raises(UsageError, match="chmod 600"):
            Google()


class TestResemble(Paid):
    engine, voice = Resemble, "25c7823f"
    variable, url_variable = resemble.KEY, resemble.STREAM_VARIABLE
    told: ClassVar = [
        ("h", 0.3, 0.42),
        ("ˈ", 0.3, 0.3),
        ("e", 0.36, 0.6),
        (" ", 0.5, 0.7),
        ("b", 0.62, 0.9),
        (".", 0.9, 1.4),
    ]

    @staticmethod
    def sound() -> Answer:
        return Answer(parts=(resembles_wav(tone(0.6, 48_000), 48_000, TestResemble.told),))

    @staticmethod
    def broken(data: bytes) -> Answer:
        return Answer(parts=(data,))

    @staticmethod
    def voices() -> Answer:
        return Answer.of({"success": True, "page": 1, "num_pages": 1, "page_size": 100, "items": RESEMBLES})

    def test_the_request_is_as_documented(self, service: Service) -> None:
        service.always = lambda _: self.sound()
        list(Resemble("25c7823f").speak("Fish & chips."))
        (request,) = service.requests
        assert (request.method, request.path) == ("POST", "/stream")
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.json == {
            "voice_uuid": "25c7823f",
            "data": "Fish &amp; chips.",
            "precision": "PCM_16",
            "sample_rate": 48000,
        }

    def test_the_first_sound_is_there_while_the_rest_is_made(self, service: Service) -> None:
        data = resembles_wav(tone(3.0, 48_000), 48_000, [])
        parts = tuple(data[at : at + 48_000] for at in range(0, len(data), 48_000))
        service.always = lambda _: Answer(parts=parts, pause=0.4)
        began = time.monotonic()
        utterances = Resemble("25c7823f").speak("Hello.")
        first = next(utterances)
        assert time.monotonic() - began < 0.4 * len(parts) - 0.5
        assert first.more
        said = [first, *utterances]
        assert sum(len(each.audio) for each in said) / 48_000 > 3

    def test_what_its_header_tells_moves_the_lips(self, service: Service) -> None:
        service.always = lambda _: self.sound()
        said = self.say()
        phonemes = [(each.audio.position + p.start, p) for each in said for p in each.phonemes or () if p.symbol]
        assert [(p.symbol, p.stress) for _, p in phonemes] == [("h", 0), ("e", 2), ("b", 0)]
        starts = [at / 48_000 - 0.1 for at, _ in phonemes]  # from the first sound
        assert starts == pytest.approx([0.0, 0.09, 0.31], abs=0.002)

    def test_newer_models_tell_nothing(self, service: Service) -> None:
        service.always = lambda _: Answer(parts=(resembles_wav(tone(0.6, 48_000), 48_000, []),))
        assert all(each.phonemes is None for each in self.say())

    def test_a_stream_that_breaks_off_is_an_error_after_what_was_heard(self, service: Service) -> None:
        data = resembles_wav(tone(3.0, 48_000), 48_000, [])
        service.always = lambda _: Answer(parts=(data[:150_000],), cut=True)
        utterances = Resemble("25c7823f").speak("Hello.")
        assert next(utterances).more
        with pytest.raises(SpeechError, match="broke its answer off"):
            list(utterances)

    def test_a_stream_that_stalls_is_an_error(self, service: Service) -> None:
        data = resembles_wav(tone(3.0, 48_000), 48_000, [])
        service.always = lambda _: Answer(parts=(data[:150_000], data[150_000:]), pause=20)
        with pytest.raises(SpeechError, match="gives no answer in time"):
            self.say()

    def test_who_stops_listening_ends_the_request(self, service: Service) -> None:
        data = resembles_wav(tone(3.0, 48_000), 48_000, [])
        service.always = lambda _: Answer(parts=(data[:150_000],) * 1000, pause=0.05)
        utterances = Resemble("25c7823f").speak("Hello.")
        next(utterances)
        del utterances
        wait_until(lambda: len(service.requests) == 1)

    def test_a_voice_by_its_name(self, service: Service) -> None:
        service.always = lambda request: self.voices() if request.method == "GET" else self.sound()
        list(Resemble("bernd").speak("Hello."))
        assert service.requests[0].path == "/voices?page=1&page_size=100"
        assert service.requests[1].json["voice_uuid"] == "0badcafe"
        list(Resemble(None, "de").speak("Hello."))
        assert service.requests[-1].json["voice_uuid"] == "0badcafe"
        with pytest.raises(UsageError, match="no voice 'Berta': choose one of Bernd"):
            Resemble("Berta")


def test_debug_shows_no_key(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole command, under --debug, with a key that is refused."""
    monkeypatch.setenv(SECONDS_VARIABLE, "5")
    service.always = lambda _: Answer.of({"error": {"message": f"{KEY} is not valid"}}, 401)
    command = [sys.executable, "-m", "txt2vid", "--debug", "voices", "--tts", "google", "--preview", "en-US-Neural2-C"]
    done = subprocess.run([*command, "-o", "x.wav"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 6
    assert "refuses the key" in done.stderr
    assert KEY not in done.stderr + done.stdout
