"""Which phoneme begins which letter: voices tell the one or the other, and rarely how they belong together.

The two sequences are aligned at the least cost (Needleman and Wunsch 1970); a cost says how odd it is that a letter
is said so: consonants mostly are as they are written, in any language of Latin letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from txt2vid.core.phonemes import SILENCE, TimedPhoneme

_WRITTEN = {
    "p": "p", "b": "b", "t": "td", "d": "dt", "k": "kcqx", "ɡ": "g", "g": "g", "f": "fpv", "v": "vfw", "s": "sczx",
    "z": "zsx", "ʃ": "sctj", "ʒ": "sgjz", "θ": "t", "ð": "t", "h": "hgj", "ɦ": "h", "x": "chjxg", "ç": "cg", "m": "m",
    "n": "n", "ŋ": "n", "ɲ": "ng", "l": "l", "ɫ": "l", "ɹ": "r", "r": "r", "ʁ": "r", "ɾ": "rtd", "w": "wuoq",
    "j": "yijug", "ɝ": "reiou", "ɚ": "reao", "ʔ": "t",
}  # fmt: skip
"""What letters a phoneme is written with, by the first symbol of it; all others are vowels."""
_VOWELS = "aeiouyw"
_SKIP_LETTER, _SKIP_SOUND, _SKIP_PAUSE = 0.5, 0.55, 0.3  # a letter that is not said; a sound that is not written
_NUMERAL = 0.02  # for each sound of a number: one digit is a word or two
_ODD, _VOWEL = 1.2, 0.25  # a letter said as something else; as a vowel, which may be any
_PUNCTUATION = ",.;:!?–—-()\"'"


def symbols(text: str) -> list[str]:
    """The text's letters and digits without accents, and its punctuation, one by one; spaces are left out."""
    kept = []
    for char in text:
        if char in _PUNCTUATION:
            kept.append(char)
        elif unicodedata.category(char)[0] in "LN":
            kept.append(unicodedata.normalize("NFD", char)[0].lower())
    return kept


def is_written(letters: Sequence[str]) -> bool:
    """Whether most of it is Latin letters, whose sounds are known here."""
    latin = sum(letter.isascii() for letter in letters)
    return latin > 0.8 * len(letters)


def align(letters: Sequence[str], phonemes: Sequence[TimedPhoneme]) -> list[int]:
    """For each letter the index of the phoneme at which it begins, and one more for the end; never falling.

    letters: of `symbols`. Takes time with the product of both lengths: 20 ms for a sentence, 0.2 s for the longest.
    """
    rows, columns = len(letters), len(phonemes)
    sounds = [_sound(each) for each in phonemes]
    best = [0.0]
    for sound in sounds:
        best.append(best[-1] + (_SKIP_PAUSE if not sound else _SKIP_SOUND))
    steps: list[bytearray] = []  # 0 both, 1 a letter is silent, 2 a sound is not written
    for letter in letters:
        digit = letter.isdigit()
        silent = 0.1 if letter in _PUNCTUATION else _SKIP_LETTER
        line, step = [best[0] + silent], bytearray([1])
        for j in range(columns):
            sound = sounds[j]
            unwritten = _NUMERAL if digit else _SKIP_SOUND if sound else _SKIP_PAUSE
            costs = (best[j] + _cost(letter, sound), best[j + 1] + silent, line[j] + unwritten)
            least = min(costs)
            line.append(least)
            step.append(costs.index(least))
        best = line
        steps.append(step)
    starts, i, j = [columns] * (rows + 1), rows, columns
    while i:
        way = steps[i - 1][j]
        if way == 2:
            j -= 1
        else:
            i, j = i - 1, j - (way == 0)
            starts[i] = j
    return starts


def _sound(phoneme: TimedPhoneme) -> str:
    """The letters that it may be written with; "" of a pause."""
    if phoneme.symbol == SILENCE:
        return ""
    return _WRITTEN.get(phoneme.symbol[0], _VOWELS)


def _cost(letter: str, sound: str) -> float:
    if not sound:
        return 0.0 if letter in _PUNCTUATION else 2.0
    if letter in _PUNCTUATION:
        return 2.0
    if letter.isdigit():
        return _NUMERAL
    if letter in sound:
        return _VOWEL if sound == _VOWELS else 0.0
    return _ODD
