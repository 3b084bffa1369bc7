"""Google Cloud Text-to-Speech, REST v1 (https://cloud.google.com/text-to-speech/docs/reference/rest/v1/text/synthesize).

Each sentence is one request: this interface does not stream (only its gRPC does), and tells no times; those of v1beta1
are of marks in SSML, not of phonemes. So the sound moves the lips.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from txt2vid.cloud.google import signer, there
from txt2vid.cloud.http import Client, Service, status_of
from txt2vid.errors import SpeechError
from txt2vid.tts.base import Listed, Synthesizer, Utterance, known_voice
from txt2vid.tts.languages import fits
from txt2vid.tts.pieces import whole
from txt2vid.tts.sentences import Sentence
from txt2vid.tts.wav import WavStream

NAME = "Google Text-to-Speech"
URL, URL_VARIABLE = "https://texttospeech.googleapis.com/v1", "TXT2VID_GOOGLE_TTS_URL"
KEY = "GOOGLE_API_KEY"
RATE = 24_000  # Hz: what most of its voices are made at
DEFAULT_LANGUAGE = "en-US"


class Google(Synthesizer):
    """Voices of Google, with the user's key (GOOGLE_API_KEY) or application default credentials."""

    name = "google"
    tells_phonemes = False
    paid = True
    multilingual = True

    def __init__(self, voice: str | None = None, language: str | None = None) -> None:
        """Takes a name as in `voices()` ("en-US-Neural2-C"); without one, Google chooses by the language.

        Raises DependencyError where there are no credentials. Whether there is such a voice shows when it speaks.
        """
        self._client = _client()
        self._voice, self.language = voice, _tag(language or _language_of(voice) or DEFAULT_LANGUAGE)

    @classmethod
    def voices(cls) -> list[str]:
        """All that Google offers. Raises DependencyError without credentials, SpeechError where it cannot be asked."""
        return sorted(each.name for each in cls.listed())

    @classmethod
    def listed(cls) -> list[Listed]:
        """The same with their languages."""
        return list(_offered(_client().json("/voices")))

    @classmethod
    def ready(cls) -> str:
        """Where the credentials come from."""
        return there(NAME, KEY)

    def _say(self, sentence: Sentence) -> Iterator[Utterance]:
        answer = self._answer(sentence.text)
        try:
            data = base64.b64decode(answer["audioContent"], validate=True)
        except (KeyError, TypeError, binascii.Error, ValueError) as err:
            raise SpeechError(f"{NAME} sent no sound: try again later") from err
        wav = WavStream(NAME)
        samples = wav.push(data)
        wav.end()
        yield from whole(sentence, wav.rate, samples, NAME)

    def _answer(self, text: str) -> Mapping[str, Any]:
        voice = {"languageCode": self.language, **({"name": self._voice} if self._voice else {})}
        audio = {"audioEncoding": "LINEAR16", "sampleRateHertz": RATE}
        try:
            return self._client.json(
                "/text:synthesize", {"input": {"text": text}, "voice": voice, "audioConfig": audio}
            )
        except SpeechError as err:
            if self._voice and status_of(err) in (400, 404):
                self._check_voice(self._voice)
            raise

    def _check_voice(self, voice: str) -> None:
        """Raises UsageError, naming the nearest, where there is no such voice."""
        names = sorted(each.name for each in _offered(self._client.json("/voices")))
        known_voice(voice, names, NAME, "txt2vid voices --tts google")


def _client() -> Client:
    check = f"check {KEY}, and whether the Text-to-Speech API is enabled for it"
    return Client(Service(NAME, URL, URL_VARIABLE, signer(NAME, KEY), check))


def _offered(answer: Mapping[str, Any]) -> Iterator[Listed]:
    voices = answer.get("voices", [])
    if not isinstance(voices, list):
        raise SpeechError(f"{NAME} sent no list of voices: try again later")
    for voice in voices:
        if isinstance(voice, dict) and isinstance(voice.get("name"), str):
            spoken = voice.get("languageCodes")
            language = str(spoken[0]) if isinstance(spoken, list) and spoken else ""
            yield Listed(voice["name"], language, Google.name, False, str(voice.get("ssmlGender", "")).lower())


def _language_of(voice: str | None) -> str | None:
    """Of "en-US-Neural2-C", "en-US": the request must name both."""
    parts = (voice or "").split("-")
    return "-".join(parts[:2]) if len(parts) > 2 else None


def _tag(language: str) -> str:
    """As Google writes languages: "en-US", "cmn-CN"."""
    first, *rest = language.split("-")
    regions = [part.upper() for part in rest if len(part) == 2]
    if first == "zh" or fits("cmn", first):
        return f"cmn-{(regions or ['CN'])[0]}"
    return "-".join([first.lower(), *regions])
