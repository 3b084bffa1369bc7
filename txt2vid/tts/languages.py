"""Which language a text is written in: by its script, its most frequent words, and the letters that English lacks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

ENGLISH = "en-us"
_SAME = {"zh": "cmn", "no": "nb", "iw": "he", "tl": "fil"}  # languages that have two names
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

_LETTERS = {
    "de": "äöüß",
    "fr-fr": "çéèêëàâîïôûùœæÿ",
    "es": "ñáéíóúü¿¡",
    "pt": "ãõáéíóúâêôçà",
    "sv": "åäöé",
    "da": "æøåé",
    "pl": "ąćęłńóśźż",
    "tr": "çğıöşü",
    "it": "àèéìòù",
    "cs": "áčďéěíňóřšťúůýž",
    "hu": "áéíóöőúüű",
    "ro": "ăâîșțşţ",
    "is": "áðéíóúýþæö",
    "lv": "āčēģīķļņšūž",
    "lt": "ąčęėįšųūž",
    "vi": "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹáàãéèíìĩóòõúùũý",
}
"""What languages in Latin script write that English does not; where two claim as much, the first is the more likely."""
_STRANGE = frozenset("".join(_LETTERS.values()))

_BORROWED = (
    "café cafés naïve naïvely naïveté résumé résumés cliché clichés fiancé fiancée façade façades déjà entrée entrées"
    " décor crème brûlée soufflé sauté purée touché protégé exposé über piñata jalapeño jalapeños señor señora voilà"
    " coöperate coördinate zoë chloë noël brontë éclair éclairs passé née risqué blasé à"
)
"""English words that some spell with accents."""
_ENGLISH_TOO = frozenset(_BORROWED.split())


def language(text: str) -> str:
    """The language of a text as espeak-ng names it: by its script, and where that is Latin by words and letters.

    English where nothing else is likely.
    """
    text = unicodedata.normalize("NFC", text[:_SAMPLE])
    letters = [char for char in text if char.isalpha()]
    scripts = Counter(_script(char) for char in letters)
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0 and scripts["LATIN"] < len(letters) / 2:
        return "ja"  # Japanese is written with Han characters, too
    script = scripts.most_common(1)[0][0] if scripts else "LATIN"
    if script == "CYRILLIC" and not {"і", "ї", "є", "ґ"}.isdisjoint(text.lower()):
        return "uk"
    return _SCRIPTS[script] if script in _SCRIPTS else _of_latin(text.lower())


def fits(spoken: str, wanted: str) -> bool:
    """Whether a voice for one language (BCP 47: "de-AT") may be taken for another ("de", "de-AT"), regions or not.

    "zh" and "cmn" are one, as are "no" and "nb": some lists have the one, some the other.
    """
    mine, theirs = _parts(spoken), _parts(wanted)
    return mine[0] == theirs[0] and (len(mine) == 1 or len(theirs) == 1 or mine == theirs)


def nearest(wanted: str, known: Iterable[str]) -> str | None:
    """The name in `known` that is the language, or the one most like it: "de-CH" is "de", "en-AU" is "en-gb"."""
    names = list(known)
    for name in names:
        if _parts(name) == _parts(wanted):
            return name
    kin = [name for name in names if _parts(name)[0] == _parts(wanted)[0]]
    usual = [name for name in kin if name in _FREQUENT or "-" not in name]
    return min(usual or kin, default=None, key=lambda name: ("-" in name, name != ENGLISH, name))


def _parts(name: str) -> list[str]:
    first, *rest = name.lower().replace("_", "-").split("-")
    return [_SAME.get(first, first), *rest]


def is_latin(text: str) -> bool:
    """Whether no letter of the text is of another script."""
    return text.isascii() or not any(_script(char) in _SCRIPTS for char in set(text) if char.isalpha())


def _script(char: str) -> str:
    return "LATIN" if char.isascii() else unicodedata.name(char, "").partition(" ")[0]


def _of_latin(text: str) -> str:
    words = Counter(re.findall(r"\w+|[¿¡]", text))
    votes = {language: sum(words[word] for word in own) for language, own in _FREQUENT.items()}
    best = max(votes, key=lambda language: votes[language])
    if votes[best] > votes[ENGLISH] + 1:  # a lone "die" or "me" makes no German
        return best
    strange = [word for word in words.elements() if not _STRANGE.isdisjoint(word) and word not in _ENGLISH_TOO]
    if len(strange) <= votes[ENGLISH]:  # none, or some names in an English sentence
        return ENGLISH
    marks = Counter(char for word in strange for char in word if char in _STRANGE)
    scores = {language: sum(marks[char] for char in own) for language, own in _LETTERS.items()}
    return max(scores, key=lambda language: scores[language] + votes.get(language, 0) / 2)
