"""Which language a sentence is read in, and which tags mean the same."""

from __future__ import annotations

import pytest

from interaction.core.languages import language_of, letters_of, primary, serves


@pytest.mark.parametrize(
    ("tag", "spoken"),
    [
        *(("en", "en"), ("en-GB", "en"), ("EN_us", "en"), ("zh-Hant-TW", "zh"), ("zh-CN", "zh")),
        *(("cmn", "zh"), ("yue", "yue"), ("zh-yue", "yue"), ("yue-Hant", "yue"), ("iw", "he")),
        *(("nb", "no"), ("nn-NO", "no"), ("pt-BR", "pt"), ("fil", "tl"), ("", ""), (" de ", "de")),
    ],
)
def test_tags_of_one_spoken_language_are_the_same(tag: str, spoken: str) -> None:
    assert primary(tag) == spoken


@pytest.mark.parametrize(
    ("languages", "wanted", "does"),
    [
        ((), "xx", True),
        (("en",), "", True),
        (("en",), "en-AU", True),
        (("en",), "zh-TW", False),
        (("zh",), "cmn", True),
        (("zh",), "yue", False),
        (("en", "zh-Hant"), "zh-CN", True),
        (("no",), "nb", True),
        (("en",), "eng", True),
        (("en",), "enm", False),
    ],
)
def test_a_language_is_served_by_who_declares_it_or_declares_none(
    languages: tuple[str, ...], wanted: str, does: bool
) -> None:
    assert serves(languages, wanted) is does


@pytest.mark.parametrize(
    ("text", "session", "language"),
    [
        # As expected: the session's own script, names in others, nothing to read at all.
        ("Hello there, my friend.", "en", "en"),
        ("Bonjour à tous !", "fr-CA", "fr-CA"),
        ("Bonjour à tous !", "en", "en"),
        ("", "en", "en"),
        ("…?! 42 😀", "zh-TW", "zh-TW"),
        ("你好，我是小美。", "zh-TW", "zh-TW"),
        ("你好", "yue", "yue"),
        ("我用 iPhone 16 Pro Max。", "zh-TW", "zh-TW"),
        ("OK", "zh-TW", "zh-TW"),
        ("Google Maps", "zh-TW", "zh-TW"),
        ("Parley!", "ru", "ru"),
        ("日本", "ja", "ja"),
        ("漢字", "ko", "ko"),
        ("Привіт", "uk", "uk"),
        ("Здраво", "sr-Cyrl", "sr-Cyrl"),
        ("Dobar dan svim ljudima.", "sr", "sr"),
        ("سلام دنیا", "fa", "fa"),
        ("नमस्कार", "mr", "mr"),
        ("The angle α is ninety degrees.", "en", "en"),
        ("He said привет to everybody in the room.", "en", "en"),
        ("日文的「の」就是中文的「的」字。", "zh-TW", "zh-TW"),
        # Another one: voices of the session would spell it, or leave it out.
        ("你好，我是小美。", "en", "zh"),
        ("The word 你好 means hello.", "en", "zh"),
        ("你好", "de", "zh"),
        ("こんにちは", "en", "ja"),
        ("日本語を話します。", "en", "ja"),
        ("日本語を話します。", "zh-TW", "ja"),
        ("안녕하세요", "en", "ko"),
        ("안녕하세요", "zh-TW", "ko"),
        ("Привет, как дела?", "en", "ru"),
        ("Привет, как дела?", "zh-TW", "ru"),
        ("مرحبا بك", "en", "ar"),
        ("שלום לך", "en", "he"),
        ("Καλημέρα σας", "en", "el"),
        ("สวัสดีครับ", "en", "th"),
        ("नमस्ते दुनिया", "en", "hi"),
        ("வணக்கம்", "en", "ta"),
        ("გამარჯობა", "en", "ka"),
        ("Բարև ձեզ", "en", "hy"),
        ("ሰላም", "en", "am"),
        ("ㄅㄆㄇ", "en", "zh"),
        ("Hello there, my friend.", "zh-TW", "en"),
        ("I can speak English too.", "ja", "en"),
        ("I can speak English too.", "ru", "en"),
        ("I can speak English too.", "ar", "en"),
    ],
)
def test_a_sentence_is_read_in_the_language_of_its_script(
    text: str, session: str, language: str
) -> None:
    assert language_of(text, session) == language


@pytest.mark.parametrize(
    ("language", "text", "letters"),
    [("en", "Say こんにちは", 3), ("en", "こんにちは", 0), ("zh", "說 Hi", 1), ("ja", "日の", 2)],
)
def test_letters_are_those_of_the_languages_scripts(language: str, text: str, letters: int) -> None:
    assert letters_of(language, text) == letters
