"""Whether words are a listener's: "mm-hmm", "right", "I see". Who says only such does not want the
floor."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import Enum, auto


class Heard(Enum):
    NOTHING = auto()
    """No words, or what recognisers make of noise."""
    LISTENING = auto()
    """A listener's words, and nothing else."""
    DOUBTFUL = auto()
    """One odd word, the beginning of what a listener says, or more than anybody says in the time:
    the next look may say otherwise."""
    SPEAKING = auto()
    """Words with which somebody takes the floor."""
    ADDING = auto()
    """The same, behind a listener's: "yeah, but what if"."""
    CALLING = auto()
    """One word that is a turn of its own: "stop"."""


SHORTEST_WORD_MS = 120
"""Recognisers that hear more words in less time have heard a noise."""


def heard(text: str, language: str = "", speech_ms: int | None = None) -> Heard:
    """``language``: BCP 47, of what is said; empty: not known. ``speech_ms``: how long it took to
    say; None: not known."""
    tokens = _tokens(text)
    if not tokens or tuple(tokens) in _NOISE:
        return Heard.NOTHING
    known = _phrases(language)
    matched = _matched(tokens, known)
    if matched == len(tokens):
        return Heard.LISTENING
    if tokens[0] in _CALLS:
        return Heard.CALLING if len(tokens) == 1 else Heard.SPEAKING
    rest = tuple(tokens[matched:])
    if rest[0] in _CALLS:
        return Heard.ADDING
    begins = any(phrase[: len(rest)] == rest for phrase in known if len(phrase) > len(rest))
    too_many = speech_ms is not None and len(tokens) > 1 + speech_ms / SHORTEST_WORD_MS
    if begins or too_many or len(rest) == 1:
        return Heard.DOUBTFUL
    return Heard.ADDING if matched else Heard.SPEAKING


_UNSPACED = "\u3040-\u30ff\u3400-\u9fff"
"""Kana and Chinese characters: a token each."""
_CHARACTER = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_REPEATED = re.compile(r"([^\W\d])\1+")
_LOOP = 5
"""Words that may be said again and again, by somebody in a hurry or a recogniser in doubt."""


def _tokens(text: str) -> list[str]:
    """Words without case, punctuation and drawn out letters ("Mmmm-hmm!": m, hm), and without what
    is said again at once; of Chinese and Japanese, characters."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("'", "")
    tokens: list[str] = []
    for word in _WORD.findall(plain):
        tokens.append(word if _CHARACTER.match(word) else _REPEATED.sub(r"\1", word))
        for length in range(1, _LOOP + 1):
            if tokens[-length:] == tokens[-2 * length : -length]:
                del tokens[-length:]
                break
    return tokens


def _matched(tokens: Sequence[str], known: frozenset[tuple[str, ...]]) -> int:
    """How many of the first tokens are listeners' phrases, one after the other."""
    reached = {0}
    for start in range(len(tokens)):
        if start in reached:
            longest = min(len(tokens) - start, _LONGEST)
            for length in range(1, longest + 1):
                if tuple(tokens[start : start + length]) in known:
                    reached.add(start + length)
    return max(reached)


def _listed(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(_tokens(phrase)) for phrase in text.split("|"))


_FILLERS = _listed(
    "mm|hm|mhm|um|uh|er|erm|ah|oh|eh|ha|haha|hehe|huh|hum|mm hm|m hm|aha|嗯|啊|哦|喔|噢|呃|欸"
)
"""They keep no floor and take none, in any language."""
_BY_LANGUAGE: Mapping[str, frozenset[tuple[str, ...]]] = {
    "en": _listed(
        "uh huh|uh hum|um hum|um hm|mm hum|mmhm|umhum|hmhm|yeah|yea|yah|ya|yep|yup|yes|right"
        "|alright|all right|ok|o k|okay|kay|sure|sure thing|of course|i see|i know|i get it|got it"
        "|gotcha|i understand|understood|really|wow|whoa|exactly|precisely|absolutely|definitely"
        "|totally|indeed|true|thats true|thats right|thats good|thats great|thats nice|thats fine"
        "|fair enough|makes sense|that makes sense|sounds good|good|great|nice|cool|fine|perfect"
        "|lovely|awesome|amazing|interesting|thats interesting|no way|no kidding|oh my god"
        "|oh my gosh|oh dear|my goodness|gosh|is that so|is that right|you dont say|go on|i bet"
        "|oh no|too bad|very good|very well|well well|ooh|aw|aww|ha ha|certainly|correct|agreed"
    ),
    "zh": _listed(
        "對|对|是|是的|是啊|是喔|是哦|是吧|對啊|对啊|對呀|对呀|對對|好|好的|好啊|好喔|好哦|好吧|行|可以"
        "|沒錯|没错|真的|真的嗎|真的吗|真的假的|這樣|这样|這樣啊|这样啊|這樣子|这样子|原來如此|原来如此"
        "|原來是這樣|原来是这样|原來|原来|了解|瞭解|明白|明白了|知道了|知道|我知道|我知道了|懂|懂了"
        "|當然|当然|哇|哇塞|哈|哈哈|呵|呵呵|嘿|嗯哼|有道理|不錯|不错|太好了|很好|確實|确实|的確|的确"
        "|沒問題|没问题|ok|ok的|誒|诶|唉|哎|哎呀|天啊|天哪|蛤|係|係啊|得"
    ),
    "de": _listed(
        "ja|jaja|ja ja|genau|ach|ach so|stimmt|klar|na klar|gut|okay|ok|richtig|verstehe"
        "|ich verstehe|aha|super|toll|echt|wirklich|natürlich|jawohl|so so|na gut|alles klar"
    ),
    "fr": _listed(
        "oui|ouais|daccord|ah bon|bien|très bien|bien sûr|ok|okay|je vois|je comprends|cest vrai"
        "|vraiment|exactement|tout à fait|voilà|ah oui|super|génial|en effet|compris"
    ),
    "es": _listed(
        "sí|si|claro|vale|ya|ajá|aja|bueno|bien|muy bien|de acuerdo|entiendo|ya veo|exacto|cierto"
        "|es verdad|verdad|por supuesto|ok|okay|genial|anda|en serio|perfecto|así es"
    ),
    "ja": _listed(
        "はい|うん|うんうん|ええ|へえ|へー|なるほど|そう|そうですね|そうですか|そうなんですか|ほんとに|確かに"
    ),
    "ko": _listed("네|예|응|어|아|맞아요|그렇군요|그래요|그렇죠|정말요|진짜|알겠어요|알겠습니다"),
}
_ANY = _FILLERS | _BY_LANGUAGE["en"] | _BY_LANGUAGE["zh"]
_LONGEST = max(len(phrase) for listed in _BY_LANGUAGE.values() for phrase in listed)

_NOISE = _listed(
    "you|thank you|thanks|thank you very much|bye|the|a|i|t|s|c|o|n|the end|music|謝謝|谢谢|the the"
)
"""What recognisers make of a cough, a bang or music, and nobody says over a reply but in thanks."""
_CALLS = frozenset(
    token
    for (token,) in _listed(
        "stop|wait|no|nope|hey|hold|what|why|how|who|where|when|pardon|sorry|excuse|but|actually"
        "|quiet|enough|cancel|pause|repeat|again|help|hello|hi|please|listen|question|next|停|等|不"
    )
)
"""Single words that are believed at once."""


def _phrases(language: str) -> frozenset[tuple[str, ...]]:
    """A listener's phrases in the language; without one, those of English and Chinese."""
    base = language.partition("-")[0].casefold()
    if base in ("yue", "cmn", "nan"):
        base = "zh"
    return _FILLERS | _BY_LANGUAGE[base] if base in _BY_LANGUAGE else _ANY
