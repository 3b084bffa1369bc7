"""Speech whose phonemes are known, for training: flite's and espeak-ng's voices say sentences written here.

Sentences are said as they stand, recombined, and as nonsense made of each language's own syllables, so that what is
learned is sounds and not words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.phonemes import TimedPhoneme
from txt2vid.errors import SpeechError
from txt2vid.tts.base import Synthesizer
from txt2vid.tts.espeak import Espeak
from txt2vid.tts.flite import Flite

ENGLISH = """
The old fisherman mended his net by the harbour wall. Why would anybody buy a blue umbrella in May? Fifty-five fresh
figs fell off the wooden shelf. My mother made more marmalade than we could eat. She sells very large yellow flowers
at the weekend. Please bring both boxes up to the second floor. I thought you said three o'clock, not half past four.
We watched the white geese fly over the village. Could you turn the music down a little? Bob's baby brother broke the
big brown bowl. Nobody knows how the fire in the warehouse began. The judge asked the younger witness to speak louder.
Every evening they walk along the river to the bridge. What a beautiful view from up here! Who moved my chair, and
where did you put it? The train to the airport leaves in about five minutes. Put the pepper in the soup before it
boils over. He laughed so much that he had to sit down. A quick thief took the queen's ring while the guards were
asleep. Our team won both games, so everybody is happy. Where have all the good songs gone? The weather will be wet
and windy until Thursday. Maybe we ought to measure the room before we buy a sofa. Thank you for your patience;
somebody will answer soon. Open your mouth wide and say ah. It was a long way home through the mud and the rain. Two
large dogs were barking behind the garage. This is the first time that I have heard about it. Father always reads the
paper with a cup of black coffee. I would rather have an apple than an orange. Voters in five provinces want better
schools. The vase on the table was full of purple violets. Push the button, wait for the beep, and leave a message.
Children love to jump from the wall into the hay. How much wood could a good worker chop in an hour? Her voice was
calm, but her hands were shaking. Some problems are easy to see and hard to mend. Of course you may ask, but I may not
know the answer. The chef showed us how to bake fish in paper. He opened the window and shouted something at the bus.
You should visit us when the plum trees are in bloom. The new museum is bigger than the one in our town. Vivid
pictures of far valleys covered the whole wall. Nine out of ten people agreed with the proposal. She whispered the
password into the microphone. The moon is full, and the meadow looks almost blue. Be careful with that map, it belongs
to Paul. A ship appeared, and then it vanished in the fog. Few of them believed what the mayor promised. Let me show
you something wonderful. The purpose of the visit was never made public. Pour the warm milk over the oats and stir.
"""

OTHERS = {
    "de": "Meine Mutter mag Pfirsiche, aber kein Pflaumenmus. Warum fährt der Bus heute nicht über die Brücke? Fünf "
    "junge Frauen öffnen vorsichtig das schwere Tor. Wir haben gestern bis um Mitternacht am Feuer gesessen. Bitte "
    "bringen Sie mir noch ein Glas Wasser. Der Apfelbaum blüht, und überall summen Bienen.",
    "fr": "Ma mère prépare toujours une bonne soupe aux poireaux. Pourquoi les oiseaux partent-ils vers le sud? Nous "
    "avons vu un beau bateau bleu près du pont. Il faut ouvrir la fenêtre avant de faire du feu. Deux jeunes femmes "
    "boivent un peu de vin blanc. Où avez-vous mis mon vieux parapluie?",
    "es": "Mi abuelo vive en una casa muy bonita cerca del mar. ¿Por qué no vamos juntos a la playa mañana? El perro "
    "blanco corre por el campo verde. Mucha gente prefiere beber agua fría en verano. Ayer compramos pan, jamón y una "
    "botella de vino. La profesora habla despacio para que todos comprendan.",
    "it": "La mamma prepara una buona pasta al pomodoro. Perché non vieni con noi al mercato domani? Il vecchio "
    "pescatore abita vicino al ponte. Abbiamo visto molte barche bianche nel porto. Vorrei un bicchiere di acqua "
    "fresca, per favore. Giovanni suona il violino ogni venerdì sera.",
    "pt": "Minha irmã mora numa casa pequena perto do rio. Por que vocês não vieram à festa ontem? O barco azul voltou "
    "muito tarde ao porto. Bebemos café com leite e comemos pão. Amanhã vamos visitar o museu da cidade.",
    "pl": "Moja babcia piecze bardzo dobre ciasto ze śliwkami. Dlaczego pociąg znowu się spóźnił? Wczoraj poszliśmy "
    "na spacer nad rzekę. Proszę otworzyć okno, bo jest gorąco. Młody chłopiec biegnie przez zielone pole.",
    "ru": "Моя бабушка варит вкусное варенье из вишни. Почему вы не пришли вчера вечером? Белый пароход медленно "
    "плывёт по реке. Мы купили молоко, хлеб и немного мёда. Откройте, пожалуйста, окно в большой комнате.",
    "nl": "Mijn moeder bakt elke week een grote appeltaart. Waarom rijdt de bus vandaag niet over de brug? Wij hebben "
    "gisteren buiten bij het vuur gezeten. Mag ik alstublieft een glas water van u?",
    "sv": "Min mormor bor i ett litet hus vid sjön. Varför vill du inte följa med på bio? Vi åt färskt bröd med smör "
    "och ost. Fem unga män bar den tunga båten över bron.",
    "tr": "Annem her pazar büyük bir kahvaltı hazırlar. Neden bizimle pazara gelmiyorsun? Beyaz vapur yavaşça köprünün "
    "altından geçti. Bugün hava çok güzel, bahçede oturalım.",
    "hi": "मेरी माँ बहुत अच्छा खाना बनाती हैं। आप कल बाज़ार क्यों नहीं गए? हम शाम को नदी के किनारे घूमते हैं। "
    "कृपया मुझे एक गिलास पानी दीजिए।",
    "cmn": "我妈妈每天早上都去公园跑步。你为什么不跟我们一起吃饭? 白色的小船慢慢地过了大桥。明天我们要去买苹果和面包。",
    "ar": "أمي تطبخ طعاما طيبا كل يوم. لماذا لم تأت معنا إلى السوق أمس؟ مر القارب الأبيض ببطء تحت الجسر. من فضلك "
    "افتح النافذة الكبيرة.",
    "fi": "Äitini leipoo joka viikko suuren omenapiirakan. Miksi bussi ei kulje tänään sillan yli? Me istuimme eilen "
    "puutarhassa myöhään. Voisitko avata ikkunan, ole hyvä?",
    "id": "Ibu saya memasak nasi goreng setiap pagi. Mengapa kamu tidak ikut ke pasar kemarin? Perahu putih itu lewat "
    "pelan di bawah jembatan. Tolong buka jendela besar di kamar itu.",
}
VARIANTS = (
    "", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+m8", "+f1", "+f2", "+f3", "+f4", "+f5", "+klatt", "+klatt2",
    "+klatt4", "+croak", "+Annie", "+Denis", "+Michael", "+Linda", "+adam", "+Storm", "+whisper",
)  # fmt: skip
FLITE = ("slt", "rms", "awb", "kal16", "kal")
FLITE_SHARE = 0.6  # of the sentences: voices cut from recordings are nearer to people's than synthetic ones
HELD_OUT = ("+m7", "+f5", "+klatt2")
"""Of espeak-ng's, never trained on: what p, b and m are tested with."""
_SYLLABLES = re.compile(
    r"[^\W\d_aeiouyäöüåæøéèàáíóúêâôîűőыеёиоуаэюя]*[aeiouyäöüåæøéèàáíóúêâôîыеёиоуаэюя]+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence: sound (n,) float32 at SPEECH_RATE, and its phonemes with sample indexes in it."""

    sound: Samples
    phonemes: tuple[TimedPhoneme, ...]


def spoken(count: int, seed: int, *, held_out: bool = False) -> Iterator[tuple[str, list[Spoken]]]:
    """So many times a voice with three to six sentences of its. Deterministic."""
    rng = np.random.default_rng(seed)
    variants = [each for each in VARIANTS if (each in HELD_OUT) == held_out]
    for _ in range(count):
        language = "en-us"
        if not held_out and rng.random() < FLITE_SHARE:
            name, voice = "flite", str(rng.choice(FLITE))
        else:
            name = "espeak"
            language = str(rng.choice(["en-us", "en-gb", "en-gb-scotland", *OTHERS]))
            voice = language + str(rng.choice(variants))
        synthesizer: Synthesizer = Flite(voice) if name == "flite" else Espeak(voice)
        texts = [_text(language, rng) for _ in range(rng.integers(3, 7))]
        yield f"{name} {voice}", [said for text in texts if (said := _said(synthesizer, text)) is not None]


def _text(language: str, rng: np.random.Generator) -> str:
    source = ENGLISH if language.startswith("en") else OTHERS[language]
    sentences = [each.strip() for each in re.split(r"(?<=[.!?؟。।])\s*", source.replace("\n", " ")) if each.strip()]
    kind = rng.random()
    if kind < 0.5 or language in ("hi", "cmn", "ar"):
        return str(rng.choice(sentences))
    words = [word for each in sentences for word in re.findall(r"[\w'’-]+", each)]
    if kind < 0.8:
        chosen = [str(word) for word in rng.choice(words, rng.integers(4, 11))]
    else:
        syllables = [found for word in words for found in _SYLLABLES.findall(word)]
        chosen = ["".join(map(str, rng.choice(syllables, rng.integers(1, 4)))) for _ in range(rng.integers(4, 9))]
    return " ".join(chosen) + "."


def _said(synthesizer: Synthesizer, text: str) -> Spoken | None:
    """None where a voice has no sound for it: nonsense may be unspeakable."""
    sounds: list[Samples] = []
    phonemes: list[TimedPhoneme] = []
    at = 0
    try:
        for each in synthesizer.speak(text):
            rate = each.audio.rate
            samples = soxr.resample(each.audio.samples[:, 0], rate, SPEECH_RATE).astype(np.float32)
            for phoneme in each.phonemes or ():
                start, stop = (at + round(edge * SPEECH_RATE / rate) for edge in (phoneme.start, phoneme.stop))
                phonemes.append(TimedPhoneme(phoneme.symbol, start, stop, phoneme.stress))
            sounds.append(samples)
            at += len(samples)
    except SpeechError:
        return None
    return Spoken(np.concatenate(sounds), tuple(phonemes)) if sounds else None
