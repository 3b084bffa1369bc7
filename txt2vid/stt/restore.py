"""Plain words become a sentence: capitals and a last mark, by simple rules; what an ear writes itself is left alone."""

from __future__ import annotations

import re

from txt2vid.stt.base import primary

_NOISES = re.compile(r"\[[^\]]*\]|<[^>]*>|\+\+[^+\s]*\+\+|(?<=\w)\(\d+\)")  # "[NOISE]", "<unk>", "++um++", "read(2)"

_NAMES = (
    "monday tuesday wednesday thursday friday saturday sunday january february april june july august september october"
    " november december christmas easter english american british german french spanish italian dutch russian chinese"
    " japanese korean indian african european america england britain germany france spain italy russia china japan"
    " korea india africa europe london paris berlin york god internet"
)
"""Always written with a capital in English. "may" and "march" are words, too: see _MONTH."""
_CAPITAL = {name: name.capitalize() for name in _NAMES.split()}
_MONTH = re.compile(r"\b((?:in|of|since|until|by|last|next|this) )(may|march)\b(?! (?:be|have|not|on|to)\b)")
_I = re.compile(r"\bi(?='(?:m|ll|ve|d|s)\b|\b(?!'))")

_QUESTIONS = {
    "en": (
        "who whom whose what which when where why how is are am was were do does did have has had can could will would"
        " shall should may might must isn't aren't wasn't weren't don't doesn't didn't haven't hasn't hadn't can't"
        " couldn't won't wouldn't shouldn't who's what's where's when's how's why's"
    ),
    "de": "wer wen wem wessen was wann wo warum wieso weshalb wohin woher welche welcher welches wie",
    "fr": "qui que quoi quand où pourquoi comment combien quel quelle quels quelles est-ce qu'est-ce",
    "es": "quién quiénes qué cuándo dónde cómo cuánto cuánta cuántos cuántas cuál cuáles",
    "it": "chi cosa quando dove perché come quanto quanta quanti quante quale quali",
    "pt": "quem quando onde como quanto quanta quantos quantas qual quais",
    "nl": "wie wat wanneer waar waarom hoe welke welk",
    "sv": "vem vad när var varför hur vilken vilket vilka",
}
"""Language -> words that, where a sentence begins with one, make it a question most of the time."""
_QUESTION = {language: frozenset(words.split()) for language, words in _QUESTIONS.items()}
_VERBS = frozenset(_QUESTIONS["en"][_QUESTIONS["en"].index("is are") :].split())
_PERSONS = "i you he she it we they there this that these those the a an my your his her our their any anyone"
_PERSON = frozenset(_PERSONS.split())
_CLAUSES = frozenset(["when", "where", "what", "how", "who", "which", "why", "whose", "whom"])
_LIKE = "what a|what an|how nice|how lovely|which is|which was|have a|have fun|do not|don't|may the|do it|do that"
_NO_QUESTION = re.compile(rf"(?:{_LIKE})\b")
_STOPS = {"zh": "。", "ja": "。", "cmn": "。", "hi": "।"}
_MARKS = {"zh": "？", "ja": "？", "cmn": "？"}
_FEW = 3  # words: "when you come" is less than a sentence, and no question without its verb


def restore(text: str, language: str = "en", *, begins: bool = True, whole: bool = True) -> str:
    """A sentence of an ear's plain words; "" where there are none. language: as in BCP 47.

    begins: after a pause, else it goes on from one that was cut, and gets no capital. whole: it ends with a pause, else
    it was cut, and gets no mark at its end.
    """
    words = " ".join(_NOISES.sub(" ", text).split())
    if not words:
        return ""
    spoken = primary(language)
    question = spoken in _QUESTION and _asks(words.lower().split(), spoken)
    if spoken == "en":
        words = _MONTH.sub(lambda found: found[1] + found[2].capitalize(), _I.sub("I", words))
        words = " ".join(_CAPITAL.get(word.partition("'")[0], word) + _tail(word) for word in words.split())
    if begins:
        words = words[0].upper() + words[1:]
    if not whole or words[-1] in ".!?…。？！।":
        return words
    return words + (_MARKS.get(spoken, "?") if question else _STOPS.get(spoken, "."))


def _tail(word: str) -> str:
    """What follows the name in "monday's"."""
    name, mark, rest = word.partition("'")
    return mark + rest if name in _CAPITAL else ""


def _asks(words: list[str], spoken: str) -> bool:
    if words[0] not in _QUESTION[spoken]:
        return False
    if spoken != "en":
        return True
    if _NO_QUESTION.match(" ".join(words)):
        return False
    if words[0] in _CLAUSES:  # "when are you": a question; "when you come we go": none
        return len(words) <= _FEW or words[1] in _VERBS or words[0] in ("who", "what", "why", "how", "which", "whose")
    return "'" in words[0] or (len(words) > 1 and words[1] in _PERSON)
