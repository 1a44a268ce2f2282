"""A language is held against the providers that are to serve it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from interaction.cascade.sentence_speakers import find_speakers
from interaction.core.types import ProviderSelection
from interaction.credentials.language_support import (
    LanguageStage,
    language_name,
    language_service,
    not_served,
)
from interaction.credentials.provider_selection import (
    able_choices,
    default_fallbacks,
    resolve_choice,
    serves_language,
)
from interaction.credentials.store import Credentials
from interaction.providers.local.espeak import LANGUAGES as ESPEAK
from interaction.sessions.create import SessionRefused, warnings_of, with_defaults
from interaction.sessions.settings import SessionSettings
from voiceproject.settings import Environment

NOBODY = Credentials()


@pytest.fixture(autouse=True)
def environment(settings: Any) -> Any:
    """``environment(**values)``: what the server's environment says; nothing to begin with."""

    def environment(**values: Any) -> None:
        settings.ENV = Environment(**values)

    environment()
    return environment


def wanting(language: str, mode: str = "cascade", **names: str) -> SessionSettings:
    providers = {
        stage: {"name": names.get(stage, ""), "language": language}
        for stage in ("stt", "llm", "tts")
    }
    return SessionSettings.model_validate({"mode": mode, "providers": providers})


def made(wanted: SessionSettings) -> SessionSettings:
    return with_defaults(wanted, NOBODY)


def codes(chosen: SessionSettings) -> list[str]:
    return [warning.code for warning in warnings_of(chosen, NOBODY)]


@pytest.mark.parametrize("language", ["en", "en-GB", "en-US", "eng", ""])
def test_english_is_heard_answered_and_spoken_without_a_key(language: str) -> None:
    chosen = made(wanting(language))
    assert chosen.providers.tts.name == "hibari"
    assert [one.name for one in chosen.fallbacks.tts] == ["espeak"]
    assert codes(chosen) == []


@pytest.mark.parametrize("language", [tag for tag in ESPEAK if tag != "en"])
def test_every_other_language_is_spoken_by_who_speaks_it(language: str) -> None:
    chosen = made(wanting(language)).providers.tts
    assert (chosen.name, chosen.language) == ("espeak", language)
    assert chosen.voice != "en-us"
    # Chosen by name all the same, by habit: it is given no sentence of that language.
    assert made(wanting(language, tts="hibari")).providers.tts.name == "espeak"


@pytest.mark.parametrize(
    ("language", "voice"),
    [("zh-TW", "cmn"), ("zh-CN", "cmn"), ("yue", "yue"), ("pt-BR", "pt-br"), ("es-MX", "es")],
)
def test_the_voice_is_one_of_the_language_whichever_was_kept(language: str, voice: str) -> None:
    assert made(wanting(language)).providers.tts.voice == voice
    kept = SessionSettings.model_validate(
        {"providers": {"tts": {"name": "espeak", "voice": "en-gb", "language": language}}}
    )
    assert made(kept).providers.tts.voice == voice


@pytest.mark.parametrize("language", ["zh-TW", "de", "ja", "ru"])
@pytest.mark.parametrize("name", ["", "pocketsphinx"])
def test_a_language_that_nothing_hears_is_warned_of_and_can_be_typed(
    language: str, name: str
) -> None:
    wanted = wanting(language, stt=name, tts="openai")
    (warning, *_) = warnings_of(made(wanted), NOBODY)
    assert (warning.code, warning.stage) == ("language_not_heard", "stt")
    assert language_name(language) in warning.message
    assert "PocketSphinx" in warning.message
    assert "OpenAI" in warning.message, "who would hear it with a key"


def test_the_fallback_that_hears_the_language_serves() -> None:
    providers = {"stt": {"name": "pocketsphinx", "language": "zh-TW"}}
    fallbacks = {"stt": [{"name": "deepgram"}, {"name": "pocketsphinx"}]}
    chosen = made(SessionSettings.model_validate({"providers": providers, "fallbacks": fallbacks}))
    assert (chosen.providers.stt.name, chosen.providers.stt.language) == ("deepgram", "zh-TW")
    assert chosen.fallbacks.stt == []
    assert "language_not_heard" not in codes(chosen)


def test_the_server_whose_key_there_is_serves_every_language(environment: Any) -> None:
    environment(openai_api_key="sk-1")
    chosen = made(wanting("zh-TW"))
    assert [chosen.providers.stt.name, chosen.providers.tts.name] == ["openai", "openai"]
    assert codes(chosen) == []


def test_nobodys_voice_goes_to_a_server_unasked(environment: Any) -> None:
    environment(openai_api_key="sk-1")
    chosen = made(wanting("zh-TW", stt="pocketsphinx"))
    assert chosen.providers.stt.name == "pocketsphinx"
    assert codes(chosen) == ["language_not_heard"]
    assert "Choose OpenAI" in warnings_of(chosen, NOBODY)[0].message


@pytest.mark.parametrize("name", ["", "hibari", "espeak"])
def test_a_language_that_nothing_speaks_is_refused_with_what_would_help(name: str) -> None:
    with pytest.raises(SessionRefused) as refused:
        made(wanting("ja", tts=name))
    assert refused.value.code == "language_not_spoken"
    assert "日本語" in refused.value.message
    assert "ElevenLabs" in refused.value.message
    assert codes(made(wanting("ja", mode="realtime", tts=name))) == []


@pytest.mark.parametrize(("language", "expected"), [("de", True), ("zh-TW", False), ("en", False)])
def test_a_language_model_that_does_not_know_the_language_is_warned_of(
    language: str, expected: bool
) -> None:
    assert ("language_not_written" in codes(made(wanting(language)))) is expected
    assert "language_not_written" not in codes(made(wanting(language, llm="echo")))


def test_of_several_that_the_server_names_the_first_that_serves_the_language_does(
    environment: Any,
) -> None:
    environment(parley_tts="hibari,espeak", parley_stt="pocketsphinx,deepgram")
    assert resolve_choice("tts", ProviderSelection("", language="en")).name == "hibari"
    assert resolve_choice("tts", ProviderSelection("", language="de")).name == "espeak"
    assert resolve_choice("stt", ProviderSelection("", language="de")).name == "deepgram"
    assert default_fallbacks("tts", language="de") == ()


@pytest.mark.parametrize(
    ("kind", "name", "language", "does"),
    [
        ("stt", "pocketsphinx", "en", True),
        ("stt", "pocketsphinx", "zh", False),
        ("stt", "openai", "zh", True),
        ("stt", "endpoint:home", "zh", True),
        ("tts", "hibari", "en-AU", True),
        ("tts", "hibari", "de", False),
        ("tts", "espeak", "ja", False),
        ("llm", "demo", "zh-CN", True),
        ("llm", "demo", "fr", False),
        ("llm", "echo", "fr", True),
    ],
)
def test_what_a_provider_serves_is_what_it_declares(
    kind: LanguageStage, name: str, language: str, does: bool
) -> None:
    assert serves_language(kind, name, language) is does


def test_the_page_knows_for_each_language_who_serves_it() -> None:
    english, chinese = (language_service("tts", tag, NOBODY) for tag in ("", "zh-TW"))
    assert (english.default, english.steps_in) == ("hibari", ("espeak",))
    assert (chinese.default, chinese.steps_in, chinese.stands_in) == ("espeak", (), "espeak")
    assert chinese.voices["espeak"] == ("cmn",)
    assert english.voices["espeak"][0] == "en-us"
    assert {"openai", "elevenlabs"} <= set(chinese.able) - set(chinese.ready)
    assert language_service("stt", "zh-TW", NOBODY).stands_in == ""


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
@pytest.mark.parametrize("language", ["zh-TW", "qqq", "ja"])
def test_what_helps_is_said_for_any_stage_and_language(stage: LanguageStage, language: str) -> None:
    with translation.override("en"):
        said = not_served(stage, ["pocketsphinx"], language, NOBODY)
    assert said.count(". ") >= 1
    assert "%(" not in said


# Sentences in another language than the session's.

HIBARI = ProviderSelection("hibari", "", "heart", "en")
ESPEAK_EN = ProviderSelection("espeak", "", "en-us", "en")
ESPEAK_ZH = ProviderSelection("espeak", "", "cmn", "zh-TW")
OPENAI = ProviderSelection("openai", "gpt-4o-mini-tts", "marin", "en")


@pytest.mark.parametrize(
    ("text", "choices", "speakers"),
    [
        ("Good morning.", (HIBARI, ESPEAK_EN), [("hibari", "heart"), ("espeak", "en-us")]),
        ("早安。", (HIBARI, ESPEAK_EN), [("espeak", "cmn")]),
        ("早安。", (HIBARI,), [("espeak", "cmn")]),
        ("The word 早安 is Chinese.", (HIBARI, ESPEAK_EN), [("espeak", "cmn")]),
        ("Доброе утро.", (HIBARI,), [("espeak", "ru")]),
        ("안녕하세요.", (HIBARI,), [("espeak", "ko")]),
        ("早安。", (OPENAI, ESPEAK_EN), [("openai", "marin"), ("espeak", "cmn")]),
        ("Good morning to you.", (ESPEAK_ZH,), [("espeak", "en-us")]),
        ("早安。", (ESPEAK_ZH,), [("espeak", "cmn")]),
        ("OK。", (ESPEAK_ZH,), [("espeak", "cmn")]),
        # Nobody here speaks it; what there is of the session's language is read all the same.
        ("おはよう。", (HIBARI, ESPEAK_EN), []),
        ("おはよう means good morning.", (HIBARI,), [("hibari", "heart")]),
        ("おはよう。", (HIBARI, OPENAI), [("openai", "marin")]),
    ],
)
def test_a_sentence_has_a_voice_of_its_language(
    text: str, choices: tuple[ProviderSelection, ...], speakers: list[tuple[str, str]]
) -> None:
    assert [(one.name, one.voice) for one in find_speakers(text, choices)] == speakers


def test_what_runs_here_stands_in_with_its_own_voice() -> None:
    (found,) = able_choices("tts", [ProviderSelection("hibari", "", "heart", "de")])
    assert (found.name, found.voice, found.language) == ("espeak", "de", "de")
