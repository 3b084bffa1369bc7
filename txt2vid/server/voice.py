"""Who speaks senders' texts, and whom they may name for that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from txt2vid.core.options import SpeakerOptions
from txt2vid.core.wire import Text
from txt2vid.pipeline.messages import Say
from txt2vid.tts.piper import MODEL

OPEN_VOICES = ("auto", "flite", "espeak", "piper")  # what every sender may name: free, and on this machine


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks texts that name no voice, and whom senders may name.

    unknown_tags: what is done with those of texts that do not say.
    """

    speaker: SpeakerOptions = field(default_factory=SpeakerOptions)
    unknown_tags: str = "speak"

    def say(self, session: str, text: Text) -> Say:
        """The text as the studio hears it."""
        mine = self.speaker
        spoken = text.language or mine.language
        if text.tts is not None or text.voice is not None:
            voice = mine.voice if text.voice is None and text.tts == mine.tts else text.voice
            speaker = SpeakerOptions(text.tts or "auto", voice, spoken, mine.fallback)
        else:
            speaker = replace(mine, language=spoken)
        return Say(session, text.text, text.id, text.interrupt, speaker, text.unknown_tags or self.unknown_tags)

    def refusal(self, text: Text) -> str | None:
        """Why a sender may not have the voice that it names; None where it may.

        A program, a file and what costs money are for whoever runs the server to choose.
        """
        tts, voice = text.tts or "auto", text.voice or ""
        if tts == self.speaker.tts and text.voice in (None, self.speaker.voice):
            return None
        path = "/" in voice or voice.partition("#")[0].endswith(MODEL)
        if tts in OPEN_VOICES and not path:
            return None
        if tts == self.speaker.tts != "command" and not path:
            return None
        return f"the voice {voice or tts!r} is not for senders to choose: name one of {', '.join(OPEN_VOICES)}, or none"
