"""Languages of providers, sessions and replies: BCP 47 tags, compared by what is spoken."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

ALIASES: Final = {
    "cmn": "zh",
    "zho": "zh",
    "chi": "zh",
    "eng": "en",
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "fil": "tl",
    "nb": "no",
    "nn": "no",
    "jpn": "ja",
    "kor": "ko",
    "deu": "de",
    "fra": "fr",
    "spa": "es",
    "rus": "ru",
    "por": "pt",
    "ita": "it",
    "zh-yue": "yue",
}
"""Other tags of the same spoken language."""

SCRIPTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "Hiragana": (r"\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f", ("ja",)),
    "Hangul": (r"\uac00-\ud7af\u1100-\u11ff\u3130-\u318f", ("ko",)),
    "Han": (r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff", ("zh", "yue", "ja", "hak", "ko")),
    "Bopomofo": (r"\u3100-\u312f\u31a0-\u31bf", ("zh",)),
    "Cyrillic": (
        r"\u0400-\u052f",
        ("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "tt", "ba", "cv", "mn", "nog", "tg"),
    ),
    "Arabic": (r"\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
               ("ar", "fa", "ur", "sd", "ug", "ku", "ps")),
    "Hebrew": (r"\u0590-\u05ff", ("he", "yi")),
    "Greek": (r"\u0370-\u03ff\u1f00-\u1fff", ("el", "grc")),
    "Thai": (r"\u0e00-\u0e7f", ("th",)),
    "Devanagari": (r"\u0900-\u097f", ("hi", "mr", "ne", "kok", "sa")),
    "Bengali": (r"\u0980-\u09ff", ("bn", "as", "bpy")),
    "Gurmukhi": (r"\u0a00-\u0a7f", ("pa",)),
    "Gujarati": (r"\u0a80-\u0aff", ("gu",)),
    "Oriya": (r"\u0b00-\u0b7f", ("or",)),
    "Tamil": (r"\u0b80-\u0bff", ("ta",)),
    "Telugu": (r"\u0c00-\u0c7f", ("te",)),
    "Kannada": (r"\u0c80-\u0cff", ("kn",)),
    "Malayalam": (r"\u0d00-\u0d7f", ("ml",)),
    "Sinhala": (r"\u0d80-\u0dff", ("si",)),
    "Lao": (r"\u0e80-\u0eff", ("lo",)),
    "Myanmar": (r"\u1000-\u109f", ("my", "shn")),
    "Georgian": (r"\u10a0-\u10ff", ("ka",)),
    "Armenian": (r"\u0530-\u058f", ("hy", "hyw")),
    "Ethiopic": (r"\u1200-\u137f", ("am", "ti")),
    "Khmer": (r"\u1780-\u17ff", ("km",)),
    "Tibetan": (r"\u0f00-\u0fff", ("bo",)),
}  # fmt: skip
"""By script: the characters of its letters, and the languages written in it, first the one that is
meant where nothing else is known."""
LATIN: Final = r"A-Za-z\u00c0-\u024f\u1e00-\u1eff"
LATIN_WORDS: Final = 3
"""Words in Latin letters from which a sentence is one: fewer are names in any language."""

WRITTEN_IN_LATIN_TOO: Final = frozenset({"sr", "ku", "kk", "ug"})
EAST_ASIAN: Final = frozenset({"Hiragana", "Hangul", "Han", "Bopomofo"})

_ONLY_OTHERS: Final = {tag for _, tags in SCRIPTS.values() for tag in tags} - WRITTEN_IN_LATIN_TOO
_LETTERS: Final = {name: re.compile(f"[{letters}]") for name, (letters, _) in SCRIPTS.items()}
_LATIN_WORD: Final = re.compile(f"[{LATIN}]+")


def primary(tag: str) -> str:
    """The spoken language of a tag: ``zh`` for ``zh-Hant-TW`` and ``cmn``, ``yue`` for itself."""
    tag = tag.strip().replace("_", "-").lower()
    if tag.startswith("zh-yue"):
        return "yue"
    first = tag.split("-")[0]
    return ALIASES.get(first, first)


def serves(languages: Collection[str], wanted: str) -> bool:
    """Whether one of ``languages`` is spoken as ``wanted`` is. None at all: it depends on the
    model, so nothing speaks against it; neither does anything where no language is wanted."""
    return not languages or not wanted or primary(wanted) in map(primary, languages)


def language_of(text: str, expected: str) -> str:
    """The language to read a text in, by its script: ``expected`` wherever that is written so.

    Languages of one script are not told apart: a French sentence in an English session is read as
    English. A letter of East Asia is enough, since voices of those languages read Latin words too
    and others leave Han characters out or spell them; of other scripts the most letters count.
    """
    counts = Counter({name: len(found.findall(text)) for name, found in _LETTERS.items()})
    if 3 * counts["Hiragana"] > counts["Han"]:  # Japanese is written in both
        counts["Hiragana"] += counts.pop("Han", 0)
    script, letters = counts.most_common(1)[0]
    spoken, latin = primary(expected), _LATIN_WORD.findall(text)
    if letters and spoken in SCRIPTS[script][1]:
        return expected
    if letters and (script in EAST_ASIAN or letters > sum(map(len, latin))):
        return SCRIPTS[script][1][0]
    if spoken in _ONLY_OTHERS and len(latin) >= LATIN_WORDS:
        return "en"
    return expected


def letters_of(language: str, text: str) -> int:
    """How many letters of a text are of a script in which the language is written."""
    spoken = primary(language)
    scripts = [name for name, (_, tags) in SCRIPTS.items() if spoken in tags]
    if not scripts or spoken in WRITTEN_IN_LATIN_TOO:
        return sum(map(len, _LATIN_WORD.findall(text)))
    return sum(len(_LETTERS[name].findall(text)) for name in scripts)
