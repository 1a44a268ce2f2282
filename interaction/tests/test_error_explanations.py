"""Whatever error can reach a person is explained to them."""

from __future__ import annotations

import re
import string
from itertools import product

import pytest
from django.test import Client
from django.utils import translation

from interaction.error_explanations import (
    EXPLANATIONS,
    GENERAL,
    LATE_ARCHIVE,
    PARTS,
    Explanation,
    explanation_of,
    for_scripts,
    happened,
    in_a_row,
)
from interaction.providers import registry
from interaction.providers.config import KINDS
from interaction.tests.page.test_voice_page import config_of
from interaction.ui_strings import ui_strings
from voiceproject.testing.error_codes import ON_SOCKETS, codes_of

CODES = sorted(codes_of(*ON_SOCKETS))
LANGUAGES = ("en", "zh-hant")
CHINESE = re.compile("[\u4e00-\u9fff]")
TECHNICAL = re.compile(
    r"_|\b(error|exception|null|API|HTTP|JSON|PCM|socket|stage|stt|llm|tts|engine|invalid|token)\b"
)
NAMES = {name for kind in KINDS for name in registry.entries(kind)}
EVERY = [*CODES, "of_tomorrow"]


def said(one: Explanation) -> str:
    return f"{one.happened} {one.advice}"


def test_the_codes_are_found() -> None:
    assert {"provider_timeout", "stage_timeout", "stage_lost", "no_speech", "bad_json"} <= {*CODES}


@pytest.mark.parametrize("code", CODES)
def test_every_error_that_can_reach_a_person_is_explained(code: str) -> None:
    assert code in EXPLANATIONS


def test_nothing_is_explained_that_does_not_exist() -> None:
    assert set(EXPLANATIONS) <= set(CODES)


@pytest.mark.parametrize("code", EVERY)
def test_it_is_said_in_sentences_without_ids_and_technical_words(code: str) -> None:
    one = explanation_of(code)
    plain = re.sub(r"\{\w+\}", "", said(one))
    assert str(one.happened).endswith(".")
    assert not one.advice or str(one.advice).endswith(".")
    assert not TECHNICAL.search(plain), plain
    assert not NAMES & set(re.findall(r"[\w-]+", plain))


@pytest.mark.parametrize("code", EVERY)
def test_it_is_said_in_the_persons_language_with_the_same_names(code: str) -> None:
    one = explanation_of(code)
    with translation.override("en"):
        english = said(one)
    with translation.override("zh-hant"):
        chinese = said(one)
    assert CHINESE.search(chinese), chinese
    assert _placeholders(chinese) == _placeholders(english) <= {"provider", "part"}


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", EVERY)
def test_no_name_is_left_open_whoever_failed(code: str) -> None:
    stages = [*PARTS, "archive", "of_tomorrow"]
    for provider, stage, language in product(["OpenAI", ""], stages, LANGUAGES):
        with translation.override(language):
            text = happened(code, stage, provider, "Language model" if stage else "")
            assert not re.search("[{}]", text)
            assert not text.startswith((":", " "))


def test_where_nobody_is_named_it_is_the_part_of_the_server() -> None:
    assert happened("provider_timeout", "llm", "", "Language model") == (
        "The language model did not answer in time."
    )
    assert happened("provider_timeout", "llm", "OpenAI", "Language model") == (
        "Language model: OpenAI did not answer in time."
    )
    assert happened("stage_lost", "tts", "OpenAI", "Text to speech") == (
        "The voice stopped in the middle of the turn."
    )


@pytest.mark.parametrize("code", CODES)
def test_what_the_archive_could_not_do_yet_is_lost_to_nobody(code: str) -> None:
    assert explanation_of(code, "archive") is LATE_ARCHIVE
    assert LATE_ARCHIVE.quiet


@pytest.mark.parametrize("code", ["no_speech", "audio_dropped", "reply_too_long"])
def test_what_is_no_failure_is_said_quietly(code: str) -> None:
    assert explanation_of(code).quiet


@pytest.mark.parametrize("code", EVERY)
def test_a_failure_says_what_to_do_and_offers_it(code: str) -> None:
    one = explanation_of(code)
    assert one.advice
    if not one.quiet and code != "bad_origin":  # a page at the wrong address cannot mend itself
        assert one.actions
    for action in one.actions:
        assert ui_strings()[f"action_{action}"]


def test_of_an_error_of_tomorrow_its_own_message_is_shown() -> None:
    assert explanation_of("of_tomorrow") is GENERAL
    assert GENERAL.detail


def test_sentences_follow_one_another_and_empty_ones_are_left_out() -> None:
    assert in_a_row("One.", "", "Two.") == "One. Two."


def test_the_voice_page_is_given_all_of_it(at_home: Client) -> None:
    config = config_of(at_home.get("/").content.decode())
    assert config["errors"] == for_scripts()
    assert set(config["errors"]["by_code"]) == set(EXPLANATIONS)
