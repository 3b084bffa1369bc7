"""Tags in a text: expressions, pauses and manners of speaking in [brackets], and the SSML that voices understand.

A text becomes passages, each said in one manner, with marks where something happens. Nothing here speaks, or knows a
voice. The set is in docs/expressions.md; SSML is the W3C's Speech Synthesis Markup Language 1.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from txt2vid.core.expressions import NEUTRAL, OWN, Cue, cue, named
from txt2vid.errors import UsageError
from txt2vid.tts import prosody
from txt2vid.tts.passages import Mark, Passage, Tagged, letters
from txt2vid.tts.prosody import MANNERS, StrayTagError, TagError, UnlikeTagError
from txt2vid.tts.style import PLAIN, Style

MAX_TAGS = 5000  # of a text: a tag a second for more than an hour
MAX_DEPTH = 16  # of tags in one another
NOTES = 10  # that are kept of a text
MAX_PAUSE = 60.0  # seconds between two words, whatever is asked for
MAX_SILENCE = 3600.0  # seconds of all pauses of a text
DEFAULT_PAUSE = 0.5  # seconds of [pause]
SENTENCE, COMMA, WORD = 0.4, 0.2, 0.04  # seconds of silence where a manner changes, after what is said before it

_TOKEN = re.compile(
    r"\\([\[\]<>&\\])"
    r"|\[(/?[^\[\]\n]{0,48})\]"
    r"|<(/?)([A-Za-z][\w:.-]{0,31})((?:\s{1,8}[\w:-]{1,32}\s{0,8}=\s{0,8}(?:\"[^\"<]{0,64}\"|'[^'<]{0,64}'))*)\s{0,8}(/?)>"
    r"|&(amp|lt|gt|quot|apos);"
)
_ATTRIBUTE = re.compile(r"([\w:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_NUMBER = re.compile(r"\d{0,6}(?:\.\d{1,6})?")
_ENDS = ".!?…。！？｡।॥؟۔"
_COMMAS = ",;:、，؛،–—"
_SILENT = frozenset({"speak", "s", "voice", "lang"})  # SSML that asks for nothing that is done here


def read(text: str, unknown: str = "speak") -> Tagged:
    """The passages of a text. unknown: one of core.options.UNKNOWN_TAGS.

    Raises UsageError where there are too many tags, or they are in one another too deep, or, if unknown is "refuse", at
    the first that is none.
    """
    reader = _Reader(unknown)
    at = 0
    for token in _TOKEN.finditer(text):
        reader.words(text[at : token.start()])
        reader.token(token)
        at = token.end()
    reader.words(text[at:])
    return reader.end()


def silence(text: str) -> float:
    """The seconds that the pauses and held gestures of a text take, at most; 0 where its tags make no sense."""
    try:
        passages = read(text, "drop").passages
    except UsageError:
        return 0.0
    cues = (mark.cue for passage in passages for mark in passage.marks)
    return sum(passage.pause or 0.0 for passage in passages) + sum(each.seconds or 0.0 for each in cues)


@dataclass(slots=True)
class _Open:
    """A tag that has not been closed. name: as it was opened. style: what was before."""

    name: str
    style: Style
    markup: bool


@dataclass(slots=True)
class _Reader:
    """Goes through a text's tokens."""

    unknown: str
    style: Style = PLAIN
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0
    _marks: list[tuple[int, Cue]] = field(default_factory=list)  # character of the passage, cue
    _open: list[_Open] = field(default_factory=list)
    _moods: list[Cue] = field(default_factory=list)
    _passages: list[Passage] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)
    _tags: int = 0
    _silence: float = 0.0  # seconds of all pauses
    _asked: bool = False  # whether the silence after the last passage is what somebody asked for

    def words(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._length += len(text)

    def token(self, token: re.Match[str]) -> None:
        escaped, bracket, closing, element, attributes, _, entity = token.groups()
        if escaped or entity:
            self.words(escaped or _ENTITIES[entity])
            return
        try:
            if bracket is not None:
                self._bracket(" ".join(bracket.split()))
            else:
                self._element(element.lower(), attributes, closing=bool(closing), empty=token.group(6) == "/")
        except TagError as err:
            self._refused(token.group(), err)
        else:
            self._tags += 1
            if self._tags > MAX_TAGS:
                raise UsageError(f"the text has more than {MAX_TAGS} tags: split it, or write \\[ for a bracket")

    def end(self) -> Tagged:
        self._flush(None)
        return Tagged(tuple(self._passages), tuple(self._notes))

    # Brackets

    def _bracket(self, content: str) -> None:
        if content.startswith("/"):
            self._close_bracket(content[1:].strip().lower())
            return
        name, strength, seconds = _parts(content)
        if name == "pause":
            self._pause(DEFAULT_PAUSE if seconds is None and strength is None else seconds or strength or 0.0)
        elif name in MANNERS:
            if strength is not None or seconds is not None:
                raise TagError(f"[{name}] takes no number")
            self._enter(name, replace(self.style, **MANNERS[name]), markup=False)
        else:
            self._express(name, 1.0 if strength is None else strength, seconds)

    def _express(self, name: str, strength: float, seconds: float | None) -> None:
        try:
            found = cue(name, strength, seconds)
        except UsageError as err:
            likely = "did you mean" in str(err) or "is not known" not in str(err)
            raise (TagError if likely else UnlikeTagError)(str(err)) from err
        self._mark(found)
        if not found.is_mood or found.seconds is not None:
            return
        self._moods = [*self._moods, found][-MAX_DEPTH:]
        if found.name == NEUTRAL:
            self._moods.clear()
            self._open = [each for each in self._open if each.markup]
            self._turn(self._open[-1].style if self._open else PLAIN)

    def _close_bracket(self, name: str) -> None:
        if not name:
            name = self._open[-1].name if self._open and not self._open[-1].markup else ""
            name = name or (self._moods[-1].name if self._moods else "")
        if any(each.name == name and not each.markup for each in self._open):
            self._leave(name, markup=False)
            return
        if name in MANNERS:
            raise StrayTagError(f"[/{name}] closes nothing that is open")
        mood = _mood(name)
        if not any(each.name == mood for each in self._moods):
            self._mark(Cue(OWN))  # the text before this one may have opened it
            raise StrayTagError(f"[/{name}] closes nothing that is open")
        last = max(i for i, each in enumerate(self._moods) if each.name == mood)
        del self._moods[last:]
        self._mark(self._moods[-1] if self._moods else Cue(OWN))

    # SSML

    def _element(self, name: str, attributes: str, *, closing: bool, empty: bool) -> None:
        given = {key.lower(): one or other for key, one, other in _ATTRIBUTE.findall(attributes)}
        if name in _SILENT:
            return
        if name == "p":
            self.words("\n\n")
        elif name == "break":
            self._pause(0.0 if closing else prosody.pause(given))
        elif name not in ("emphasis", "prosody"):
            raise UnlikeTagError(f"<{name}> is not known: <break>, <emphasis> and <prosody> are")
        elif closing:
            self._leave(name, markup=True)
        elif not empty:
            change = prosody.emphasis(given) if name == "emphasis" else prosody.change(given)
            self._enter(name, self.style.changed(**change), markup=True)

    # Manners

    def _enter(self, name: str, style: Style, *, markup: bool) -> None:
        if len(self._open) >= MAX_DEPTH and not markup:
            del self._open[next((i for i, each in enumerate(self._open) if not each.markup), 0)]
        elif len(self._open) >= MAX_DEPTH:
            raise UsageError(f"<{name}> is more than {MAX_DEPTH} deep in other tags: close some")
        self._open.append(_Open(name, self.style, markup))
        self._turn(style)

    def _leave(self, name: str, *, markup: bool) -> None:
        """Closes the last that is open by this name, and what was opened in it."""
        for i in reversed(range(len(self._open))):
            if self._open[i].name == name and self._open[i].markup == markup:
                self._turn(self._open[i].style)
                del self._open[i:]
                return
        raise StrayTagError(f"</{name}> closes nothing that is open")

    def _turn(self, style: Style) -> None:
        if style != self.style:
            self._flush(_joint("".join(self._pieces)))
            self.style = style

    def _pause(self, seconds: float) -> None:
        self._silence += seconds
        if self._silence > MAX_SILENCE:
            raise UsageError(f"the pauses of the text are longer than {MAX_SILENCE:g} s in all: shorten them")
        self._flush(min(seconds, MAX_PAUSE), asked=True)

    # The passage

    def _mark(self, cue: Cue) -> None:
        self._marks.append((self._length, cue))

    def _flush(self, pause: float | None, *, asked: bool = False) -> None:
        text = "".join(self._pieces)
        if not text.strip() and not self._marks and self._passages:
            before = self._passages[-1]
            if pause is not None and asked:  # what is asked for replaces the usual silence, and adds up
                pause = min(pause + ((before.pause or 0.0) if self._asked else 0.0), MAX_PAUSE)
                self._passages[-1] = Passage(before.text + text, before.style, before.marks, pause)
                self._asked = True
        elif text.strip() or self._marks or asked:
            self._passages.append(Passage(text, self.style, _counted(text, self._marks), pause))
            self._asked = asked
        self._pieces, self._marks, self._length = [], [], 0

    def _refused(self, tag: str, why: TagError) -> None:
        if self.unknown == "refuse":
            raise UsageError(f"the text's tag {tag} makes no sense: {why}; or write \\{tag} to have it said")
        if len(self._notes) < NOTES and not isinstance(why, UnlikeTagError):
            self._notes.append(f"{tag} is no tag: {why}")
        if self.unknown == "speak" and not isinstance(why, StrayTagError):
            self.words(tag)


def _parts(content: str) -> tuple[str, float | None, float | None]:
    """Name, strength and seconds of "happy 0.5 3s"; numbers may be left out. Raises TagError where they are odd."""
    words = content.lower().replace(",", " ").replace(":", " ").split()
    strength = seconds = None
    while len(words) > 1 and words[-1][0] in ".0123456789":
        word = words.pop()
        if _NUMBER.fullmatch(word):
            strength = float(word)
        else:
            seconds = prosody.seconds(word)
    return " ".join(words), strength, seconds


def _mood(name: str) -> str:
    try:
        return named(name)
    except UsageError as err:
        raise UnlikeTagError(str(err)) from err


def _counted(text: str, marks: list[tuple[int, Cue]]) -> tuple[Mark, ...]:
    """The marks by letters instead of characters."""
    counted, at, count = [], 0, 0
    for character, each in marks:
        count += letters(text[at:character])
        at = character
        counted.append(Mark(count, each))
    return tuple(counted)


def _joint(text: str) -> float | None:
    """The silence after a text where the manner changes; None where a paragraph ends."""
    bare = text.rstrip()
    if "\n\n" in text[len(bare) :]:
        return None
    last = bare.rstrip("\"'”’»)]")[-1:]
    return SENTENCE if last and last in _ENDS else COMMA if last and last in _COMMAS else WORD
