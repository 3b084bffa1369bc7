"""Google Cloud Speech-to-Text, version 2, streamed by gRPC: https://cloud.google.com/speech-to-text/v2/docs.

One call an utterance. The sound of an utterance is kept until it is understood, and said again where a call fails for
a reason that passes.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError
from google.cloud.speech_v2 import SpeechClient
from google.cloud.speech_v2.types import cloud_speech as api
from google.oauth2.service_account import Credentials

from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.errors import SpeechError, UsageError
from txt2vid.stt.base import Recognizer, pcm
from txt2vid.stt.endpoint import FRAMES_A_SECOND, HARD

KEY, KEY_FILE, PROJECT = "GOOGLE_API_KEY", "GOOGLE_API_KEY_FILE", "GOOGLE_CLOUD_PROJECT"
ACCOUNT = "GOOGLE_APPLICATION_CREDENTIALS"
ENDPOINT = "GOOGLE_SPEECH_ENDPOINT"  # "eu-speech.googleapis.com": where sound may be processed
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_HOST = "speech.googleapis.com"
PART = 8_000  # bytes of sound in a message; the API takes 15 KB
ANSWER_SECONDS = 8.0  # after an utterance's end for its words
CALL_SECONDS = HARD / FRAMES_A_SECOND + ANSWER_SECONDS  # of a call, from its begin
WAITS = (0.5, 2.0)  # seconds before each further attempt
_PASSING = frozenset({408, 429, 500, 502, 503, 504})  # HTTP's numbers of gRPC's codes, as google.api_core maps them
_ADVICE = {
    400: "check --stt-language, and the project's settings",
    401: f"check {KEY}, or the file of {ACCOUNT}",
    403: "let the key or account use the Speech-to-Text API in the project",
    404: f"check {PROJECT} and {ENDPOINT}",
    429: "wait, raise the project's quota, or choose another --stt-backend",
}


class GoogleSpeech(Recognizer):
    """Sentences with punctuation, in the languages of the API. Reads its key from the environment or a file."""

    name = "google"
    writes = True

    def __init__(self, model: Path | None = None, language: str | None = None) -> None:
        super().__init__(model, language)
        if model is not None:
            raise UsageError("google's models are its own: leave --stt-model out")
        endpoint = os.environ.get(ENDPOINT) or _HOST
        options, credentials, project = _identity(endpoint)
        place = endpoint.partition("-speech.")[0] if "-speech." in endpoint else "global"
        try:
            self._client = SpeechClient(credentials=credentials, client_options=options)
        except (GoogleAuthError, ValueError) as err:
            raise SpeechError(f"google's client does not start ({_line(err)}): check {KEY} or {ACCOUNT}") from err
        self._config = api.StreamingRecognizeRequest(
            recognizer=f"projects/{project}/locations/{place}/recognizers/_",
            streaming_config=api.StreamingRecognitionConfig(
                config=api.RecognitionConfig(
                    explicit_decoding_config=api.ExplicitDecodingConfig(
                        encoding=api.ExplicitDecodingConfig.AudioEncoding.LINEAR16,
                        sample_rate_hertz=SPEECH_RATE,
                        audio_channel_count=1,
                    ),
                    language_codes=[self.language],
                    model="long",
                    features=api.RecognitionFeatures(enable_automatic_punctuation=True),
                ),
                streaming_features=api.StreamingRecognitionFeatures(interim_results=True),
            ),
        )
        self._sound = bytearray()
        self._call: _Call | None = None

    def close(self) -> None:
        """Ends a call that is under way."""
        if self._call is not None:
            self._call.say(None)
            self._call = None

    def _begin(self) -> None:
        self._sound.clear()
        self._call = _Call(self._client, self._config)

    def _push(self, samples: Samples) -> str:
        data = pcm(samples)
        self._sound += data
        if self._call is None:
            return ""
        self._call.say(data)
        return self._call.words

    def _end(self) -> str:
        call, self._call = self._call, None
        for wait in (*WAITS, None):
            if call is None:
                call = _Call(self._client, self._config)
                call.say(bytes(self._sound))
            try:
                return call.result()
            except GoogleAPICallError as err:
                call = None
                if err.code not in _PASSING or wait is None:
                    advice = _ADVICE.get(int(err.code or 0), "try again later, or choose another --stt-backend")
                    raise SpeechError(
                        f"google did not understand ({err.code}: {_line(err.message)}): {advice}"
                    ) from err
            except (GoogleAuthError, RetryError) as err:
                raise SpeechError(f"google refuses the key ({_line(err)}): {_ADVICE[401]}") from err
            except TimeoutError as err:
                call = None
                if wait is None:
                    raise SpeechError(
                        f"google gave no answer for {ANSWER_SECONDS:g} s: check the network, or choose another "
                        "--stt-backend"
                    ) from err
            time.sleep(wait)
        return ""


class _Call:
    """One utterance. words: what is understood so far. A call that hangs is left behind; it ends at CALL_SECONDS."""

    def __init__(self, client: SpeechClient, config: api.StreamingRecognizeRequest) -> None:
        self._client, self._config = client, config
        self._said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()  # as long as an utterance at most
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._finals: list[str] = []
        self.words = ""
        threading.Thread(target=self._run, name="google", daemon=True).start()

    def say(self, data: bytes | None) -> None:
        """Sound, or None: that was all."""
        self._said.put(data)

    def result(self) -> str:
        """The words, once all is understood. Raises what the call did, TimeoutError where it hangs."""
        self.say(None)
        if not self._ended.wait(ANSWER_SECONDS):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return " ".join(self._finals)

    def _run(self) -> None:
        try:
            answers: Any = self._client.streaming_recognize(requests=self._requests(), timeout=CALL_SECONDS, retry=None)
            for answer in answers:
                self._take(answer)
        except Exception as err:  # noqa: BLE001 - another thread raises it
            self._error = err
        self._ended.set()

    def _requests(self) -> Iterator[api.StreamingRecognizeRequest]:
        yield self._config
        while (data := self._said.get()) is not None:
            for at in range(0, len(data), PART):
                yield api.StreamingRecognizeRequest(audio=data[at : at + PART])

    def _take(self, answer: api.StreamingRecognizeResponse) -> None:
        tentative: list[str] = []
        for result in answer.results:
            text = result.alternatives[0].transcript.strip() if result.alternatives else ""
            (self._finals if result.is_final else tentative).append(text)
        self.words = " ".join(filter(None, [*self._finals, *tentative]))


def _identity(endpoint: str) -> tuple[ClientOptions, Any, str]:
    """How the client shows who it is, and the project that pays. Nothing of it is ever logged.

    Raises SpeechError where there is no key, or no project.
    """
    options = ClientOptions(api_endpoint=endpoint)
    credentials, project = None, os.environ.get(PROJECT)
    key = os.environ.get(KEY) or _key_of(os.environ.get(KEY_FILE))
    if key:
        options.api_key = key
    elif os.environ.get(ACCOUNT):
        try:
            credentials = Credentials.from_service_account_file(os.environ[ACCOUNT], scopes=[_SCOPE])  # type: ignore[no-untyped-call]
        except (GoogleAuthError, OSError, ValueError) as err:
            raise SpeechError(f"the file of {ACCOUNT} is no key of google's ({_line(err)}): download it anew") from err
        project = project or credentials.project_id
    else:
        raise SpeechError(
            f"google needs a key: set {ACCOUNT} to a service account's file, or {KEY} (or {KEY_FILE}) and {PROJECT}"
        )
    if not project:
        raise SpeechError(f"google needs to know whose project pays: set {PROJECT} to its id")
    return options, credentials, project


def _key_of(path: str | None) -> str | None:
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as err:
        raise SpeechError(
            f"{path} cannot be read ({type(err).__name__}): set {KEY_FILE} to a file with the key"
        ) from err


def _line(err: object) -> str:
    return " ".join(str(err).split())[:200]
