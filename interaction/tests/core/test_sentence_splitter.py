from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from interaction.core.engine import SessionSpec
from interaction.core.sentence_splitter import (
    LONGEST,
    LONGEST_MARKUP,
    LONGEST_UNSPACED,
    LONGEST_WORD,
    SentenceSplitter,
)
from interaction.core.types import Mode, ProviderSelection

PIECES = [
    *("Hello there. ", "It costs 3.14 euros! ", "Dr. Smith, e.g., ", "你好。", "怎么样？"),
    *(
        "U.S. Army ",
        "z. B. ",
        "3. Mai ",
        "नमस्ते। ",
        "สวัสดี ",
        "کیا؟ ",
        "iPhone. ",
        "<br> ",
        "[a. b](c) ",
    ),
    *("- item\n", "1. first\n", "**bold** ", "\n\n", "“Quoted.” ", "wait… ", "a, b, c; "),
]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


def split(*chunks: str) -> list[str]:
    splitter = SentenceSplitter()
    pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    return pieces + splitter.finish()


def sentences(text: str) -> list[str]:
    return [piece.strip() for piece in split(text)]


@given(TEXTS)
@example("x" * (LONGEST + 5) + " y " + "z" * 10)
def test_the_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text


@given(TEXTS, st.data())
def test_how_the_text_arrives_changes_no_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(*chunks) == split(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is here. Two is there too! Is three?", 3),
        ("Dr. Smith met Mr. Jones yesterday evening.", 1),
        ("It is 3.14 or so, see fig. 2 for more.", 1),
        ("J. S. Bach wrote it in Leipzig.", 1),
        ("Fruit, e.g. apples, is good. Eat more of it.", 2),
        ("She said “Stop right there.” Then she left us.", 2),
        ("First line of it\nSecond line of it", 2),
        ("今天天气很好。我们去公园吧！", 2),
        ("1. Wash the apples well\n2. Slice them all thinly", 2),
        ("At 5 p.m. we are going home.", 1),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: int) -> None:
    assert len(split(text)) == expected


def test_the_first_clause_may_end_at_a_comma_when_it_is_long_enough() -> None:
    text = "Well, since you asked me about the weather, it will rain, and it will snow a lot."
    assert sentences(text) == [
        "Well, since you asked me about the weather,",
        "it will rain, and it will snow a lot.",
    ]


def test_a_short_later_sentence_waits_for_the_next_one() -> None:
    assert sentences("Good morning to you. Yes. I am well today.") == [
        "Good morning to you.",
        "Yes. I am well today.",
    ]


def test_a_first_sentence_is_given_as_soon_as_the_next_one_begins() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("Sure. ") == []
    assert splitter.feed("T") == ["Sure. "]


WHOLE = [
    ("en", "The U.S. Senate voted."),
    ("en", "We climbed Mt. Everest with Gen. Hill and Sen. Brook."),
    ("en", "Meet at 9 a.m. Monday."),
    ("en", "Take Python v2.0 or 3.14 and open README.md or https://example.com/a.b?c=d.e now."),
    ("en", "The band plays at 8 p.m. EST on Main St. 5 tonight."),
    ("en", "Apple Inc. Chief Tim Cook spoke."),
    ("en", "George W. Bush met J. R. R. Tolkien and Samuel L. Jackson."),
    ("en", "It is... well... not sure…  maybe."),
    ("en", "The iPhone costs $3.50 in St. Louis, i.e. nothing."),
    ("en", "Lt. Col. Smith of the U.K. Parliament met Rev. King Jr. yesterday."),
    ("en", "See No. 5, Vol. 3, pp. 12 and Fig. 2."),
    ("de", "Am 3. Mai kam Dr. Weber z. B. mit Frau Prof. Huber."),
    ("de", "Im 19. Jahrhundert war das, d. h. früher, bzw. anders."),
    ("de", "Er wohnt in der Hauptstr. 5 bei Hr. Maier."),
    ("de", "Ludwig XIV. Regierungszeit war lang."),
    ("", "Wir sehen uns am 3. Mai mit Dr. Weber, z. B. Montag."),
    ("fr", "M. Dupont et Mme. Durand, c.-à-d. Jean, p. ex. Paul."),
    ("es", "La Sra. García y el Dr. Pérez, p. ej. Juan."),
    ("es", "El Sr. López vive en la Av. Juárez."),
    ("pt", "O Sr. Silva e a Sra. Souza, p. ex. Maria."),
    ("it", "Il sig. Rossi e il dott. Bianchi con la dott.ssa Verdi."),
    ("nl", "Neem bijv. Jan of mevr. De Vries, d.w.z. Piet."),
    ("ru", "Это т. е. Хорошо и напр. Иванов с ул. Ленина."),
    ("ru", "А. С. Пушкин родился в 1799 г. в Москве."),
    ("uk", "На вул. Шевченка живе А. Коваль."),
    ("pl", "Prof. Jan Kowalski, np. Adam, tj. Piotr."),
    ("sv", "T.ex. Anna kommer kl. 9."),
    ("da", "F.eks. Hans kommer den 3. Maj."),
    ("fi", "Esim. Matti tulee 3. toukokuuta."),
    ("cs", "Např. Novák přijde 3. května."),
    ("tr", "Dr. Yılmaz 5. katta oturuyor."),
    ("el", "Ο κ. Παπαδόπουλος και η Δρ. Νικολάου."),
    ("hi", "डॉ. शर्मा और श्री. वर्मा आए।"),
    ("bn", "ডা. রহমান এসেছেন।"),
    ("ta", "திரு. குமார் வந்தார்."),
    ("ar", "جاء د. أحمد أمس."),
    ("th", "ดร. สมชาย มา"),
    ("ro", "Dl. Popescu și dna. Ionescu."),
    ("ja", "「はい、元気です。」と言った。"),
    ("de", "Frau Meier, geb. Müller, kommt um 9 Uhr."),
    ("vi", "TP. Hồ Chí Minh rất đẹp."),
    ("en", "Yahoo! is a company and “What?” is a word."),
    ("en", "Please read chap. 3 and sec. 4 by Prof. Lee et al. today."),
]
"""A language and a text in which no full stop ends a sentence before the last."""


@pytest.mark.parametrize(("language", "text"), WHOLE)
def test_a_full_stop_that_ends_no_sentence_ends_no_piece(language: str, text: str) -> None:
    earlier = split_in(language, text)[:-1]
    assert all(piece.rstrip().endswith((",", "、")) for piece in earlier), (
        "a long first clause alone"
    )


TWO = [
    ("en", "I live in the U.S.", "It is big."),
    ("en", "We met at 5 p.m.", "Then we left."),
    ("en", "Plan B.", "Then we go."),
    ("en", "She said “Stop right there.”", "Then she left."),
    ("en", "(It is so.)", "Yes it is."),
    ("en", "I did it.", "iPhones are nice."),
    ("en", "hello there.", "how are you?"),
    ("en", "He said no.", "Nobody did."),
    ("en", "I am 25.", "My brother is 30."),
    ("en", "It is in the park.", "Paul knows."),
    ("de", "Das ist gut.", "Dann gehen wir."),
    ("de", "Er ist 25.", "Sie ist 30."),
    ("fr", "Qui est-ce ?", "C'est le facteur."),
    ("es", "Todo está muy bien.", "¿Vamos al parque?"),
    ("es", "¡Hola!", "¿Qué tal estás?"),
    ("it", "Va bene così.", "Andiamo a casa."),
    ("pt", "Está tudo bem.", "Vamos embora."),
    ("nl", "Dat is goed.", "Tot morgen dan."),
    ("ru", "Всё хорошо.", "Завтра будет дождь."),
    ("pl", "Bardzo dobrze.", "Jutro będzie padać."),
    ("hi", "नमस्ते।", "आज मौसम अच्छा है।"),
    ("hi", "आज मौसम अच्छा है.", "कल बारिश होगी."),
    ("mr", "ते गेले.", "आम्ही आलो आहोत."),
    ("bn", "নমস্কার।", "আপনি কেমন আছেন?"),
    ("pa", "ਸਤ ਸ੍ਰੀ ਅਕਾਲ।", "ਤੁਸੀਂ ਕਿਵੇਂ ਹੋ?"),
    ("ta", "வணக்கம்.", "நீங்கள் எப்படி இருக்கிறீர்கள்?"),
    ("ur", "یہ اچھا ہے۔", "کل بارش ہوگی۔"),
    ("ar", "كيف حالك؟", "أنا بخير والحمد لله."),
    ("fa", "حال شما چطور است؟", "من خوبم."),
    ("he", "מה שלומך?", "אני בסדר גמור."),
    ("hy", "Բարեւ ձեզ։", "Ինչպես եք այսօր։"),
    ("ka", "გამარჯობა.", "როგორ ხართ დღეს?"),
    ("el", "Πού είσαι;", "Εδώ είμαι τώρα."),
    ("my", "မင်္ဂလာပါ။", "နေကောင်းလား။"),
    ("km", "សួស្តី។", "អ្នកសុខសប្បាយទេ។"),
    ("lo", "ສະບາຍດີຕອນເຊົ້າທຸກຄົນ", "ມື້ນີ້ອາກາດດີ"),
    ("th", "สวัสดีครับทุกคนวันนี้", "อากาศดีมาก"),
    ("am", "ሰላም ለእናንተ።", "እንዴት ናችሁ።"),
    ("bo", "བཀྲ་ཤིས།", "བདེ་ལེགས་ཞུ།"),
    ("ko", "안녕하세요.", "오늘은 날씨가 좋네요."),
    ("zh", "你好。", "今天天气很好。"),
    ("zh", "你好吗?", "我很好!"),
    ("ja", "元気ですか？", "はい、元気です。"),
    ("mn", "ᠰᠠᠢᠨ᠃", "ᠪᠠᠢᠨ᠎ᠠ ᠤᠤ᠃"),
    ("si", "ආයුබෝවන්.", "ඔබට කොහොමද?"),
]
"""A language and two sentences."""
UNSPACED = {"你好。", "你好吗?", "元気ですか？"}


@pytest.mark.parametrize(("language", "one", "two"), TWO)
@pytest.mark.parametrize("known", [True, False])
def test_the_first_sentence_is_given_while_the_second_is_written(
    language: str, one: str, two: str, known: bool
) -> None:
    splitter = SentenceSplitter(language if known else "")
    gap = "" if one in UNSPACED else " "
    given = splitter.feed(f"{one}{gap}")
    needed = 0
    for character in two:
        given += splitter.feed(character)
        needed += 1
        if given:
            break
    assert given == [f"{one}{gap}"]
    assert needed <= LONGEST_WORD + 1


@pytest.mark.parametrize("language", ["", "en", "de", "hi", "th", "zh"])
@given(text=TEXTS)
def test_what_follows_a_sentence_is_waited_for_within_bounds(language: str, text: str) -> None:
    splitter = SentenceSplitter(language)
    pieces = splitter.feed(text)
    assert "".join(pieces) + splitter.open == text
    assert all(len(piece.strip()) <= LONGEST_UNSPACED + LONGEST_MARKUP for piece in pieces)


def test_a_link_is_not_cut_in_two() -> None:
    text = "Read [the first page. Then the second](https://example.com) of it. It is short."
    assert sentences(text)[0] == text[: text.index(" It is short")]


def test_text_without_a_space_or_a_mark_ends_some_time() -> None:
    assert [len(piece) for piece in split("ก" * 2000)] == [800, 800, 400]
    assert [len(piece) for piece in split("*" * 2000)] == [800, 800, 400]
    assert max(map(len, split("\u0301" * 5000))) <= LONGEST_UNSPACED + LONGEST_MARKUP


@pytest.mark.parametrize(
    ("languages", "mode", "expected"),
    [
        (("de", "", ""), "cascade", "de"),
        (("", "fr", "es"), "cascade", "fr"),
        (("de", "", "es"), "realtime", "es"),
        (("", "", ""), "cascade", ""),
    ],
)
def test_a_session_says_in_which_language_it_is(
    languages: tuple[str, str, str], mode: Mode, expected: str
) -> None:
    stt, tts, realtime = (ProviderSelection("p", language=name) for name in languages)
    spec = SessionSpec(uuid4(), 1, (stt,), (), (tts,), mode=mode, realtime=realtime)
    assert spec.language == expected


def split_in(language: str, text: str) -> list[str]:
    splitter = SentenceSplitter(language)
    return [*splitter.feed(text), *splitter.finish()]
