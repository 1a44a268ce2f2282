"""What the voice page offers, and what it remembers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from interaction.models import Preferences, PromptTemplate
from interaction.tests.page.test_voice_page import config_of
from interaction.tools.registry import TOOLS

PREFERENCES = "/api/v1/interaction/preferences"


@pytest.fixture
def templates(db: None) -> list[PromptTemplate]:
    PromptTemplate.objects.all().delete()
    rows = [("guide", "en", "Guide"), ("cook", "en", "Cook"), ("guide", "zh-Hant", "導遊")]
    return [
        PromptTemplate.objects.create(
            slug=slug, language=language, title=title, text=title, order=order
        )
        for order, (slug, language, title) in enumerate(rows)
    ]


def selected(page: str, name: str) -> str:
    """The value of a list's chosen option; empty where it is the first one."""
    (options,) = re.findall(rf'<select id="{name}".*?</select>', page, re.DOTALL)
    found = re.search(r'value="([^"]*)"[^>]* selected', options)
    return found[1] if found else ""


def choose(browser: Client, **choices: Any) -> None:
    response = browser.patch(PREFERENCES, choices, content_type="application/json")
    assert response.status_code == 200


@pytest.mark.usefixtures("own_models")
def test_every_provider_is_offered_with_the_reason_where_it_cannot_be_used(
    at_home: Client,
) -> None:
    stages = config_of(at_home.get("/").content.decode())["stages"]
    told = at_home.get("/api/v1/interaction/providers").json()
    for stage in ("stt", "llm", "tts", "realtime"):
        assert stages[stage]["providers"] == told[stage]
        assert all(bool(one["reason"]) != one["available"] for one in told[stage])
    assert [stage["default"] for stage in stages.values()] == [
        "pocketsphinx",
        "demo",
        "hibari",
        "parley",
    ]


def test_the_page_takes_few_queries_however_much_there_is_to_choose(
    at_home: Client, templates: list[PromptTemplate], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(7):
        at_home.get("/")


def test_choices_are_there_the_next_time_and_are_nobody_elses(
    at_home: Client, templates: list[PromptTemplate]
) -> None:
    choose(
        at_home,
        providers={"tts": {"name": "espeak", "voice": "cmn", "language": "zh-TW"}},
        fallbacks={"llm": [{"name": "echo"}]},
        template_id=templates[1].pk,
        system_prompt="Call me Ada.",
        tools=["current_time"],
        barge_in_enabled=False,
        turn_detection={"kind": "manual", "silence_ms": 900},
        recording=False,
    )
    page = at_home.get("/").content.decode()
    stages = config_of(page)["stages"]
    assert stages["tts"]["chosen"]["voice"] == "cmn"
    assert [one["name"] for one in stages["llm"]["fallbacks"]] == ["echo"]
    assert selected(page, "template") == str(templates[1].pk)
    assert "Call me Ada.</textarea>" in page
    assert re.search(r'value="current_time"[^>]* checked', page)
    assert not re.search(r'value="end_session"[^>]* checked', page)
    assert not re.search(r'name="barge_in"[^>]* checked', page)
    assert 'value="900"' in page
    assert 'data-hold-toggle aria-pressed="true"' in page
    assert not re.search(r"<input[^>]*data-recording[^>]* checked|checked data-recording", page)

    other = Client()
    other.force_login(User.objects.create_user("other"))
    assert "Call me Ada." not in other.get("/").content.decode()


def test_to_begin_with_the_first_template_in_the_persons_language_is_chosen(
    at_home: Client, templates: list[PromptTemplate], settings: Any
) -> None:
    assert selected(at_home.get("/").content.decode(), "template") == str(templates[0].pk)
    chinese = at_home.get("/", headers={"accept-language": "zh-TW,zh;q=0.9"})
    assert selected(chinese.content.decode(), "template") == str(templates[2].pk)


def test_whoever_chose_no_template_keeps_none(
    at_home: Client, templates: list[PromptTemplate]
) -> None:
    choose(at_home, template_id=None)
    assert selected(at_home.get("/").content.decode(), "template") == ""


def test_a_template_that_is_gone_is_not_chosen_any_more(
    at_home: Client, templates: list[PromptTemplate]
) -> None:
    choose(at_home, template_id=templates[0].pk)
    PromptTemplate.objects.filter(pk=templates[0].pk).update(active=False)
    page = at_home.get("/").content.decode()
    assert selected(page, "template") == ""
    assert "Guide" not in page


def test_an_address_may_name_a_template(at_home: Client, templates: list[PromptTemplate]) -> None:
    choose(at_home, template_id=templates[0].pk)
    asked = at_home.get(f"/?template={templates[1].pk}").content.decode()
    assert selected(asked, "template") == str(templates[1].pk)
    for nonsense in ("0", "x", "9" * 30):
        page = at_home.get(f"/?template={nonsense}").content.decode()
        assert selected(page, "template") == str(templates[0].pk)


def test_every_tool_is_offered_and_on_until_somebody_chooses(at_home: Client, owner: User) -> None:
    page = at_home.get("/").content.decode()
    for name in TOOLS:
        assert re.search(rf'name="tools" value="{name}"[^>]* checked', page)
    choose(at_home, tools=[])
    assert not re.search(r'name="tools"[^>]* checked', at_home.get("/").content.decode())


def test_a_chosen_provider_that_is_gone_does_not_break_the_page(
    at_home: Client, owner: User
) -> None:
    Preferences.remember(
        owner,
        providers={"stt": {"name": "endpoint:gone", "model": "old"}},
        fallbacks={"stt": [{"name": "endpoint:gone"}]},
    )
    response = at_home.get("/")
    assert response.status_code == 200
    assert "PocketSphinx" in response.content.decode()
