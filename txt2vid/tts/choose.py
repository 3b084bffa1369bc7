"""Which voice speaks a text when nobody says which."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import cast

from txt2vid import registry
from txt2vid.errors import DependencyError
from txt2vid.tts.base import Synthesizer

ENGLISH = "en-us"
_SAMPLE = 4000  # characters from the start that tell the language

_SCRIPTS = {
    "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar", "HEBREW": "he", "DEVANAGARI": "hi", "BENGALI": "bn",
    "GURMUKHI": "pa", "GUJARATI": "gu", "ORIYA": "or", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn",
    "MALAYALAM": "ml", "SINHALA": "si", "THAI": "th", "MYANMAR": "my", "GEORGIAN": "ka", "ARMENIAN": "hy",
    "ETHIOPIC": "am", "HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "cmn",
}  # fmt: skip
"""First word of a letter's Unicode name -> the language of espeak-ng that most of its readers speak."""

_WORDS = {
    ENGLISH: "the and of to is in that it was for you with are this have not be what we my your i",
    "de": "der die das und ist nicht ich ein eine zu mit den von auf für es sie wir auch dem wie",
    "fr-fr": "le la les et est des une un que je pas vous dans pour qui ce il nous sur avec du",
    "es": "el la los y es que de en un una por con no las para su se lo está como del",
    "it": "il la che di e è un una per non sono con del della le si ma come gli in",
    "pt": "o a que e de do da em um uma para não com os é se no na por mais",
    "nl": "de het een en van is dat niet ik op te zijn voor met die je er aan maar ook",
    "sv": "och att det som en är på av för med jag inte har den till ett om men",
    "pl": "i w nie na się że to jest z do jak co ale o za od po tak dla",
    "tr": "bir ve bu da de için ile ben çok ne var daha gibi ama o değil",
}
"""The most frequent words of languages in Latin script: enough to tell them apart in a sentence or two."""
_FREQUENT = {language: frozenset(words.split()) for language, words in _WORDS.items()}


def choose(text: str, name: str = "auto", voice: str | None = None) -> Synthesizer:
    """The voice for a text: the one named, else flite for English and espeak-ng for everything else.

    name: a name in the registry, or "auto". voice: of that synthesizer; with "auto" the one that has it is taken.
    Raises UsageError where the name or the voice is unknown, DependencyError where no engine is installed.
    """
    if name != "auto":
        return _load(name, voice)
    if voice is not None:
        return _load("flite" if _flite_has(voice) else "espeak", voice)
    spoken = language(text)
    if spoken == ENGLISH:
        try:
            return _load("flite", None)
        except DependencyError:
            pass  # espeak-ng speaks English, too, if less well
    return _load("espeak", spoken)


def language(text: str) -> str:
    """The language of a text as espeak-ng names it: by its script, and by frequent words where that is Latin.

    English where nothing else is likely.
    """
    letters = [char for char in text[:_SAMPLE] if char.isalpha()]
    scripts = Counter(_script(char) for char in letters)
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0 and scripts["LATIN"] < len(letters) / 2:
        return "ja"  # Japanese is written with Han characters, too
    script = scripts.most_common(1)[0][0] if scripts else "LATIN"
    if script == "CYRILLIC" and not {"і", "ї", "є", "ґ"}.isdisjoint(text[:_SAMPLE].lower()):
        return "uk"
    return _SCRIPTS[script] if script in _SCRIPTS else _of_words(text[:_SAMPLE])


def _script(char: str) -> str:
    return "LATIN" if char.isascii() else unicodedata.name(char, "").partition(" ")[0]


def _of_words(text: str) -> str:
    words = Counter(re.findall(r"\w+", text.lower()))
    votes = {language: sum(words[word] for word in frequent) for language, frequent in _FREQUENT.items()}
    best = max(votes, key=lambda language: votes[language])
    return best if votes[best] > votes[ENGLISH] + 1 else ENGLISH  # a lone "die" or "me" makes no German


def _load(name: str, voice: str | None) -> Synthesizer:
    return cast("Synthesizer", registry.load("tts", name)(voice))


def _flite_has(voice: str) -> bool:
    try:
        known: list[str] = registry.load("tts", "flite").voices()
    except DependencyError:
        return False
    return voice.lower() in known
