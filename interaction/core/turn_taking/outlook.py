"""Whether the words so far sound as if more of them are to come.

Rules by language, over the last words: what dangles ("a flight to"), a filler, a number that may go
on; and what is answered best at once, a question. A transcript's punctuation is not believed, but
for the question mark: recognisers end everything with a full stop. Languages that have no rules
here sound neither finished nor unfinished.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto

from interaction.core.languages import SCRIPTS


class Outlook(Enum):
    UNKNOWN = auto()
    """The words do not say."""
    FINISHED = auto()
    """A question, or a word with which people end."""
    DOUBTFUL = auto()
    """It may be all, and may not: "I like that", "the one that"."""
    NUMBER = auto()
    """Digits or letters, of which more may come."""
    UNFINISHED = auto()
    """It dangles, or they say that they are thinking."""


LONGEST_NUMBER = 10
"""Digits from which on a number is taken to be whole: telephones have no more, most of them."""


def outlook(text: str, language: str = "") -> Outlook:
    """``language``: BCP 47; empty: Chinese where it is written so, else English."""
    if _HAN.search(text):
        return _of_chinese(text) if language.partition("-")[0] in ("", "zh", "yue") else _UNKNOWN
    return _of_english(text) if language.partition("-")[0] in ("", "en") else _UNKNOWN


_UNKNOWN = Outlook.UNKNOWN
_HAN = re.compile(f"[{SCRIPTS['Han'][0]}]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# English.

_QUESTIONS = _words("what where who whom whose which when why how")
_INVERSIONS = _words(
    "is are am was were do does did can could will would shall should may have has"
)
_FAREWELLS = _words("thanks please goodbye bye cheers okay ok")
_DETERMINERS = _words("a an the my your his our their its every each some any another")
_CONJUNCTIONS = _words(
    "and or but because cause if whether while unless although though since until till whereas"
    " plus versus than as"
)
_PREPOSITIONS = _words(
    "to of for with at from by into onto about between against during without under toward towards"
    " via per near regarding concerning"
)
_PARTICLES = _words("in on over out up off down after before around that this so then")
"""They end sentences, too: "turn it on", "I like that"."""
_AUXILIARIES = _words(
    "is are was were am be been being has have had will would can could should shall may might must"
    " do does did isn't aren't wasn't won't don't doesn't didn't can't couldn't"
)
_CLAUSES = _words("think thought know knew believe mean means hope said say says guess so")
"""Before "that", they begin a clause, as an auxiliary does: "the problem is that"."""
_SUBJECTS = _words("i we they he she who which")
_CONTRACTIONS = _words(
    "i'm it's that's there's here's what's who's where's let's we're they're you're he's she's i've"
    " we've you've they've i'll we'll you'll they'll it'll i'd we'd you'd they'd"
)
_WANTS = _words("want wanna gonna gotta wants wanted called named very quite really")
_FILLERS = _words("um umm uh uhm er erm hmm hm mm mmm ah eh well")
_THINKING = ("you know", "i mean", "sort of", "kind of", "let me see", "let me think", "let's see")
_ANSWERS = _words("yes yeah yep no nope sure right maybe perhaps so")
"""They begin what is short and whole: "yes it is", "no I can't"."""
_NUMBERS = _words(
    "zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty"
    " ninety hundred thousand double triple point"
)
_DANGLING = (
    _DETERMINERS | _CONJUNCTIONS | _PREPOSITIONS | _SUBJECTS | _CONTRACTIONS | _WANTS | _FILLERS
)


def _of_english(text: str) -> Outlook:
    words = re.findall(r"[a-z]+(?:['’][a-z]+)?|\d+", text.lower().replace("’", "'"))
    if not words:
        return _UNKNOWN
    if found := _of_number(
        [word.isdecimal() or word in _NUMBERS or len(word) == 1 for word in words], words
    ):
        return found
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    tail = " ".join(words[-3:])
    if any(tail.endswith(phrase) for phrase in _THINKING):
        return Outlook.UNFINISHED
    if last in _FAREWELLS or tail.endswith("thank you"):
        return Outlook.FINISHED
    # "What I wanted to ask is" asks nothing; "where are you from" is whole.
    asks_for = words[0] in _QUESTIONS and (words[1:2] or [""])[0] not in _SUBJECTS | {"you", "it"}
    asks = asks_for or words[0] in _INVERSIONS
    if last in _DANGLING and not (asks_for and len(words) > 3 and last in _PREPOSITIONS):
        return Outlook.UNFINISHED
    if last in _AUXILIARIES:
        return Outlook.DOUBTFUL if words[0] in _ANSWERS or asks_for else Outlook.UNFINISHED
    if last == "that" and before in _AUXILIARIES | _CLAUSES and not asks:
        return Outlook.UNFINISHED
    if last in _PARTICLES:
        return Outlook.DOUBTFUL
    whole_question = len(words) > 3 and (asks or text.rstrip().endswith("?"))
    return Outlook.FINISHED if whole_question else _UNKNOWN


def _of_number(is_numeric: Sequence[bool], words: Sequence[str]) -> Outlook | None:
    """What the digits, number words and single letters at the end say; None: there are none, or
    they are part of a sentence ("at seven")."""
    run = 0
    for numeric in reversed(is_numeric):
        if not numeric:
            break
        run += 1
    if not run:
        return None
    digits = sum(len(word) if word.isdecimal() else 1 for word in words[len(words) - run :])
    if words[-1] in ("a", "i") and run < len(words):
        return None  # an article, or somebody
    if digits >= LONGEST_NUMBER:
        return Outlook.UNKNOWN
    return Outlook.NUMBER if digits > 1 or run == len(words) else None


# Chinese, in both scripts.

_ZH_FILLERS = (
    *("嗯", "呃", "啊這個", "那個", "那个", "這個", "这个", "就是", "就是說", "就是说", "怎麼說"),
    *("怎么说", "我想想", "讓我想想", "让我想想", "等等", "等一下"),
)
_ZH_DANGLING = (
    *("和", "跟", "與", "与", "或", "或是", "或者", "還有", "还有", "然後", "然后", "所以", "因為"),
    *(
        "因为",
        "但是",
        "可是",
        "不過",
        "不过",
        "而且",
        "如果",
        "假如",
        "雖然",
        "虽然",
        "除了",
        "關於",
    ),
    *(
        "关于",
        "在",
        "從",
        "从",
        "到",
        "對",
        "对於",
        "對於",
        "把",
        "被",
        "給",
        "给",
        "讓",
        "让",
        "比",
    ),
    *("向", "往", "為了", "为了", "是", "叫", "叫做", "想", "想要", "我要", "需要", "可以", "應該"),
    *(
        "应该",
        "能不能",
        "可不可以",
        "會不會",
        "会不会",
        "是不是",
        "有沒有",
        "有没有",
        "一個",
        "一个",
    ),
    *("這", "这", "那", "我", "我們", "我们", "你們", "你们", "他們", "他们", "請", "请", "請幫我"),
)
_ZH_DOUBTFUL = ("的", "的話", "的话", "到", "給", "给", "對", "对", "可以", "想", "在")
_ZH_QUESTION = re.compile(
    r"([嗎吗呢吧]|什麼|什么|哪裡|哪里|哪兒|哪儿|幾點|几点|多少|多久|怎麼辦|怎么办|為什麼|为什么|誰|谁)$"
)
_ZH_ENDS = ("謝謝", "谢谢", "再見", "再见", "掰掰", "拜拜", "好了", "就這樣", "就这样")
_ZH_DIGIT = re.compile(r"[零〇一二三四五六七八九兩两幺\d]+$")


def _of_chinese(text: str) -> Outlook:
    words = re.sub(r"[\s，。！？、；：,.!?…「」『』“”\"]+", "", text)
    if number := _ZH_DIGIT.search(words):
        whole = number.start() == 0
        if len(number[0]) >= LONGEST_NUMBER:
            return Outlook.UNKNOWN
        if len(number[0]) > 1 or whole:
            return Outlook.NUMBER
    if words.endswith(_ZH_FILLERS):
        return Outlook.UNFINISHED
    if _ZH_QUESTION.search(words) or words.endswith(_ZH_ENDS):
        return Outlook.FINISHED
    if words.endswith(_ZH_DOUBTFUL):
        return Outlook.DOUBTFUL
    if words.endswith(_ZH_DANGLING):
        return Outlook.UNFINISHED
    asks = text.rstrip().endswith(("？", "?"))
    return Outlook.FINISHED if asks and len(words) > 2 else Outlook.UNKNOWN
