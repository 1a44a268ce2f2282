"""Decides whether a full stop ends a sentence, or an abbreviation, an initial or an ordinal in it.

``sentencex`` (Wikimedia's segmenter) brings the abbreviations of some thirty languages, and for all
others those of a related one. It wants whole paragraphs: it would cut a text that still grows where
it happens to end, takes French ``M.`` and ``Mme.`` and German ordinals for the end of a sentence,
and keeps everything within brackets together. So it is asked about one full stop at a time, with
the word before and the word after it; what it does not know is here.
"""

from __future__ import annotations

import re

import sentencex

_OPENERS = "\"'“‘«„‚‹([{*_~`¿¡「『（《〈"
_AFTER_WORD = ",;:!?…\"'”’»)]}*_`"
_DOTTED = re.compile(r"(?:[^\W\d_]{1,4}\.)+[^\W\d_]{1,4}")
_LIST_MARKER = re.compile(r"[\s>*_(-]*(?:\d{1,3}|[^\W\d_]|[ivxIVX]{1,4})\.")
_ROMAN = re.compile(r"[IVXLC]+")

_TITLES = frozenset(
    (
        *("Mr", "Mrs", "Ms", "Mx", "Messrs", "Dr", "Drs", "Prof", "St", "Ste", "Mt", "Gen", "Sen"),
        *("Rep", "Gov", "Capt", "Cpt", "Lt", "Col", "Sgt", "Maj", "Cmdr", "Adm", "Rev", "Hon"),
        *("Mme", "Mmes", "Mlle", "Mlles", "MM", "Mgr", "Dres", "Ing", "Dipl", "Hr", "Fr", "Frl"),
        *("Sr", "Sra", "Srta", "Sres", "Sras", "Dra", "Dña", "Lic", "Sto", "Sta", "Eng"),
        *("Exmo", "Cía", "Profa"),
        *("Sig", "Sigg", "Sig.ra", "Sig.na", "Dott", "Dott.ssa", "Prof.ssa", "Avv", "Geom", "Arch"),
        *("Dhr", "Mevr", "Mw", "Ir", "Sn", "Doç", "Yrd", "Op", "TP", "ThS", "Tn", "Ny", "Bpk"),
        *("Проф", "Акад", "Г-н", "Г-жа", "Тов", "Κος", "Κα", "Δρ", "κ", "δρ", "г-н", "г-жа"),
        *("डॉ", "डा", "प्रो", "श्री", "पं", "कु", "ড", "ডা", "মো", "ডক্টর", "ਡਾ", "ડૉ", "ડો"),
        *("திரு", "டாக்டர்"),
        *("డా", "ಡಾ", "ഡോ", "ดร", "น.ส", "ผศ", "รศ", "د", "أ.د", "ბ-ნი", "ქ-ნი"),
    )
)
"""What stands before a name, as it is written; most of them in lower case as well."""
_CAPITAL_ONLY = frozenset(
    (
        *("St", "Ste", "Mt", "Sen", "Rep", "Col", "Fr", "Op", "Ir", "Sn", "Ny", "Arch", "Ing"),
        *("Tn", "Sta", "Sto", "Eng", "Sr", "Gen", "Hon", "MM", "Maj", "TP", "Hr", "Mw", "Lt"),
        "Lic",
    )
)
"""Titles whose lower case may be a word of some language."""
_NEVER_LAST = _TITLES | {t.lower() for t in _TITLES - _CAPITAL_ONLY} | {
    *("vs", "e.g", "i.e", "eg", "ie", "cf", "viz", "approx", "sr", "lic"),
    *("z.b", "d.h", "u.a", "v.a", "i.d.r", "o.ä", "bzw", "bspw", "vgl", "ggf", "evtl", "inkl"),
    *("zzgl", "sog", "ca", "einschl", "p.ex", "c.-à-d", "p.ej", "p.e", "ej", "por ej", "núm"),
    *("bijv", "bv", "d.w.z", "o.a", "resp", "incl", "np", "tzn", "tj", "m.in", "tzw", "např"),
    *("tzv", "napr", "t.ex", "bl.a", "d.v.s", "f.eks", "esim", "örn", "vb.", "v.d", "a.g.e"),
    *("т.е", "т.к", "т.н", "напр", "см", "ср", "ул", "им", "просп", "тобто", "див", "вул"),
    *("π.χ", "δηλ", "βλ", "מאג", "მაგ", "dl", "dna", "ks", "lk", "per es", "рис", "тов", "св"),
    *("geb", "verh", "gest", "św", "godz", "sv", "sb", "ing", "mgr", "yth", "jl", "cad", "सं"),
}  # fmt: skip
_BEFORE_NUMBER = frozenset(
    (
        *("no", "nos", "nr", "núm", "num", "n", "vol", "vols", "ch", "chap", "sec", "sect", "fig"),
        *("figs", "p", "pp", "pg", "art", "abb", "tab", "kap", "bd", "s", "str", "pág", "págs"),
        *("cap", "tel", "tél", "kl", "par", "est", "ex", "eq", "ver", "v", "св", "стр", "с", "гл"),
        *("т", "п", "ст", "г", "д", "кв", "тел", "№", "σελ", "τηλ", "αρ", "रु", "क्र", "ಪು", "nro"),
        *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"),
        *("ene", "abr", "ago", "dic", "janv", "févr", "avr", "juil", "déc", "okt", "dez", "พ.ศ"),
        *("ค.ศ", "dept", "inc", "ltd", "co", "corp", "jr", "sr", "etc", "a.m", "p.m", "u.s", "u.k"),
    )
)
"""After these a number goes on with the sentence: ``No. 5``, ``Jan. 3``, ``kl. 9``. German
street names end with one of them."""
_WORDS_TOO = frozenset(
    (
        *("no", "sun", "mon", "sat", "wed", "fri", "in", "art", "may", "mar", "sec", "me", "est"),
        *("Art", "par", "bien", "bis", "en", "con", "via", "te", "fa", "mai", "min", "dom"),
    )
)
"""Abbreviations that are also words, and as words end sentences: ``He said no.``"""

_ORDINAL_LANGUAGES = frozenset(("de", "lb", "gsw", "da", "nb", "nn", "no", "et", "tr", "hu"))
"""Languages that write ordinals with a full stop and may go on with a capital letter."""
_AFTER_ORDINAL = frozenset(
    (
        *("Januar", "Jänner", "Februar", "März", "April", "Mai", "Juni", "Juli", "August"),
        *("September", "Oktober", "November", "Dezember", "Jahrhundert", "Jahrhunderts", "Stock"),
        *("Klasse", "Weltkrieg", "Weltkriegs", "Etage", "Platz", "Kapitel", "Geburtstag"),
        "Auflage",
        *("Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül"),
        *("Ekim", "Kasım", "Aralık"),
    )
)
_STARTERS = frozenset(
    (
        *("The", "This", "That", "These", "Those", "It", "It's", "He", "She", "We", "They", "You"),
        *("I", "I'm", "But", "And", "So", "Then", "There", "Here", "If", "In", "On", "At", "When"),
        *("What", "Who", "How", "Why", "Where", "Yes", "My", "Your", "Our", "His", "Her", "Its"),
        *("For", "To", "A", "An", "After", "Before", "However", "Let", "Let's", "That's", "Please"),
        *("Der", "Die", "Das", "Er", "Sie", "Es", "Wir", "Ihr", "Ich", "Dann", "Danach", "Aber"),
        *("Und", "Ja", "Nein", "Dort", "Da", "Hier", "Heute", "Im", "Am", "Sein", "Seine", "Ihre"),
        *("Ein", "Eine", "Was", "Wie", "Wo", "Wer", "Jetzt", "Auch", "Doch", "Also", "Damals"),
        *("Le", "Il", "Elle", "Ils", "Elles", "Nous", "Vous", "Je", "C'est", "Ce", "Cette", "Mais"),
        *("Et", "Puis", "Alors", "Les", "Un", "Une", "El", "Ella", "Ellos", "Pero", "Luego", "Los"),
        *("Las", "Entonces", "Lo", "Gli", "Ma", "Poi", "Allora", "Questo", "Os", "Ele", "Ela"),
        *("Mas", "Depois", "Het", "Een", "Hij", "Zij", "Wij", "Maar", "Dan", "Daar", "Ale"),
        "Potem",
        *("Он", "Она", "Оно", "Мы", "Вы", "Они", "Я", "Но", "А", "И", "Это", "Там", "Потом"),
        *("Затем", "В", "На", "Αυτό", "Και", "Αλλά", "Men", "Det", "Jag", "Så", "Bu", "Ama", "Ve"),
    )
)
"""Words that begin sentences and are no names: a sentence has ended before them after all."""

_BY_SCRIPT = (
    ("\u0370", "\u03ff", "el"), ("\u0400", "\u052f", "ru"), ("\u0530", "\u058f", "hy"),
    ("\u0590", "\u05ff", "he"), ("\u0600", "\u06ff", "ar"), ("\u0900", "\u097f", "hi"),
    ("\u0980", "\u09ff", "bn"), ("\u0a00", "\u0a7f", "pa"), ("\u0a80", "\u0aff", "gu"),
    ("\u0b80", "\u0bff", "ta"), ("\u0c00", "\u0c7f", "te"), ("\u0c80", "\u0cff", "kn"),
    ("\u0d00", "\u0d7f", "ml"), ("\u1200", "\u139f", "am"),
)  # fmt: skip
"""First and last character of a script, and a language whose abbreviations serve it."""
_OF_SCRIPT = {
    "ru": {"ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "tg", "mn"},
    "ar": {"ar", "fa", "ur", "ps", "ug", "sd", "ckb"},
    "hi": {"hi", "mr", "ne", "sa", "kok", "mai"},
}
_EARLIER = 32
"""Characters before the full stop that are looked at."""


class FullStops:
    """The full stops of a text, mostly in ``language`` (a BCP 47 tag; empty: unknown)."""

    def __init__(self, language: str = "") -> None:
        self._language = language.replace("_", "-").split("-")[0].lower()

    def ends_sentence(self, text: str, word: str, *, complete: bool) -> bool | None:
        """Whether the full stop at the end of ``text`` ends its sentence where ``word`` follows;
        None: that shows when the word is ``complete``. The word's case is not looked at."""
        stem = text[-_EARLIER:].rsplit(maxsplit=1)[-1].lstrip(_OPENERS).rstrip(".")
        if not stem or (len(text) > 1 and text[-2] == "."):
            return True
        if _LIST_MARKER.fullmatch(text[text.rfind("\n") + 1 :]):
            return False
        if stem in _NEVER_LAST or f"{stem[0].lower()}{stem[1:]}" in _NEVER_LAST - _TITLES:
            return False
        if word[0].isdigit():
            numbered = stem.lower() in _BEFORE_NUMBER or stem.endswith("str")
            return not numbered and (stem.isdigit() or not self._is_doubtful(text, stem))
        if not self._is_doubtful(text, stem):
            return True
        if not complete:
            return None
        return self._ends_before(text, stem, word.strip(_OPENERS).rstrip(_AFTER_WORD))

    def _is_doubtful(self, text: str, stem: str) -> bool:
        """Whether it may be an abbreviation, an initial or an ordinal that the sentence ends with
        or that its next word follows."""
        if stem.isdigit():
            return len(stem) <= 2
        if _is_initial(stem) or _DOTTED.fullmatch(stem):
            return True
        if self._language in _ORDINAL_LANGUAGES and _ROMAN.fullmatch(stem):
            return True
        if stem in _WORDS_TOO:
            return False
        return stem.lower() in _BEFORE_NUMBER or not self._splits(text, stem, "Xyzzy")

    def _ends_before(self, text: str, stem: str, word: str) -> bool:
        if word in _STARTERS:
            return True
        if stem.isdigit():
            return not (self._language in _ORDINAL_LANGUAGES or word in _AFTER_ORDINAL)
        if _is_initial(stem) or _ROMAN.fullmatch(stem):
            return False
        return self._splits(text, stem, word)

    def _splits(self, text: str, stem: str, word: str) -> bool:
        tail = f"x {stem}. {word}"
        return all(len(sentencex.segment(name, tail)) > 1 for name in self._asked(stem))

    def _asked(self, stem: str) -> list[str]:
        """The languages whose abbreviations are looked at."""
        for first, last, name in _BY_SCRIPT:
            if first <= stem[0] <= last:
                return [self._language if self._language in _OF_SCRIPT.get(name, ()) else name]
        if not self._language or self._language == "en":
            return ["en"]
        english_too = stem[0].isupper() or "." in stem
        return [self._language, "en"] if english_too else [self._language]


def _is_initial(stem: str) -> bool:
    """A single letter of a script with capitals; Arabic titles are single letters, too."""
    if len(stem) != 1 or stem in "Iяi":
        return False
    return stem.lower() != stem.upper() or "\u0620" <= stem <= "\u06ff"
