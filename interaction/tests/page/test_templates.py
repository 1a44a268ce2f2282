"""Prompt templates: those that come with an installation, the admin site, the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from jsonschema import Draft202012Validator

from interaction.models import PromptTemplate

API = "/api/v1/interaction/templates"
ADMIN = "admin:interaction_prompttemplate_"
LISTS_OR_MARKDOWN = re.compile(r"^\s*([-*#>]|\d+[.)])|[*_`]{2}|https?:", re.MULTILINE)


@pytest.fixture
def templates(db: None) -> Callable[..., PromptTemplate]:
    """``templates(title, **fields)``, with nothing else there."""
    PromptTemplate.objects.all().delete()

    def make(title: str, **fields: Any) -> PromptTemplate:
        fields = {"slug": title.lower().replace(" ", "-"), "text": f"{title}, briefly."} | fields
        return PromptTemplate.objects.create(title=title, **fields)

    return make


@pytest.fixture
def defaults(db: None) -> list[PromptTemplate]:
    """What the migration adds, whatever tests before this one left of it."""
    PromptTemplate.objects.all().delete()
    import_module("interaction.migrations.0003_default_prompt_templates").add(apps, None)
    return list(PromptTemplate.objects.all())


class TestDefaults:
    def test_there_are_four_in_each_of_two_languages(self, defaults: list[PromptTemplate]) -> None:
        titles: dict[str, list[str]] = {language: [] for language in PromptTemplate.Language.values}
        for template in defaults:
            titles[template.language].append(template.title)
        assert titles == {
            "en": [
                *("General assistant", "Customer service bot"),
                *("Language teacher", "Technical support"),
            ],
            "zh-Hant": ["一般助理", "客服機器人", "語言教師", "技術支援"],
        }
        assert len({template.slug for template in defaults}) == 4

    def test_they_are_for_the_ear(self, defaults: list[PromptTemplate]) -> None:
        for template in defaults:
            assert "Markdown" in template.text
            assert not LISTS_OR_MARKDOWN.search(template.text)
            assert len(template.text) < 1_500
            han = len(re.findall(r"[\u4e00-\u9fff]", template.text))
            assert (han > 100) == (template.language == "zh-Hant")

    def test_adding_them_again_leaves_what_was_changed(
        self, defaults: list[PromptTemplate]
    ) -> None:
        PromptTemplate.objects.filter(pk=defaults[0].pk).update(text="Ours.")
        import_module("interaction.migrations.0003_default_prompt_templates").add(apps, None)
        assert PromptTemplate.objects.count() == 8
        assert PromptTemplate.objects.get(pk=defaults[0].pk).text == "Ours."


class TestPrompt:
    @pytest.mark.parametrize(
        ("text", "more", "prompt"),
        [
            ("Be brief.", "", "Be brief."),
            ("Be brief.\n", " I am Ada. ", "Be brief.\n\nI am Ada."),
            ("", "I am Ada.", "I am Ada."),
        ],
    )
    def test_what_a_person_adds_comes_after_the_text(
        self, text: str, more: str, prompt: str
    ) -> None:
        assert PromptTemplate(text=text).prompt(more) == prompt


class TestApi:
    def test_active_ones_are_listed_in_their_order(
        self, at_home: Client, templates: Callable[..., PromptTemplate]
    ) -> None:
        templates("Late", order=2)
        templates("Early", order=1)
        templates("Hidden", active=False)
        templates("老師", slug="early", language="zh-Hant")
        listed = at_home.get(API).json()
        assert [row["title"] for row in listed] == ["Early", "Late", "老師"]
        assert [row["title"] for row in at_home.get(f"{API}?language=zh-hant").json()] == ["老師"]

    def test_one_is_told_with_its_text(
        self, at_home: Client, templates: Callable[..., PromptTemplate]
    ) -> None:
        template = templates("Teacher", text="Teach.")
        told = at_home.get(f"{API}/{template.pk}").json()
        assert (told["id"], told["slug"], told["text"]) == (template.pk, "teacher", "Teach.")

    def test_the_answers_are_as_the_description_says(
        self, at_home: Client, templates: Callable[..., PromptTemplate]
    ) -> None:
        template = templates("Teacher")
        described = at_home.get("/api/v1/openapi.json").json()
        schema = described["components"]["schemas"]["Template"]
        Draft202012Validator(schema).validate(at_home.get(f"{API}/{template.pk}").json())

    def test_what_is_not_active_or_not_there_is_not_found(
        self, at_home: Client, templates: Callable[..., PromptTemplate]
    ) -> None:
        hidden = templates("Hidden", active=False)
        for number in (hidden.pk, hidden.pk + 1, 10**30):
            response = at_home.get(f"{API}/{number}")
            assert response.status_code == 404
            assert response.json()["error"]["code"] == "not_found"

    def test_strangers_are_told_nothing(self, client: Client, db: None) -> None:
        assert client.get(API).status_code == 401


class TestAdmin:
    @pytest.fixture
    def staff(self, at_home: Client, owner: User) -> Client:
        owner.is_staff = owner.is_superuser = True
        owner.save()
        return at_home

    def form(self, **changes: Any) -> dict[str, Any]:
        fields = {"title": "Guide", "language": "en", "slug": "guide", "text": "Guide.", "order": 3}
        return fields | {"active": "on"} | changes

    def test_who_changed_one_last_is_kept_and_shown(self, staff: Client, owner: User) -> None:
        staff.post(reverse(f"{ADMIN}add"), self.form())
        template = PromptTemplate.objects.get(slug="guide")
        assert template.changed_by == owner
        other = User.objects.create_superuser("second")
        staff.force_login(other)
        staff.post(reverse(f"{ADMIN}change", args=[template.pk]), self.form(text="Guide well."))
        template.refresh_from_db()
        assert (template.changed_by, template.text) == (other, "Guide well.")
        listed = staff.get(reverse(f"{ADMIN}changelist"), {"q": "guide"}).content.decode()
        assert re.search(r'field-changed_by[^>]*">second<', listed)

    def test_order_and_active_change_in_the_list_and_are_signed_too(
        self, staff: Client, owner: User, templates: Callable[..., PromptTemplate]
    ) -> None:
        template = templates("Guide")
        row = {"form-0-id": template.pk, "form-0-order": 7}
        management = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "_save": "Save"}
        staff.post(reverse(f"{ADMIN}changelist"), row | management)
        template.refresh_from_db()
        assert (template.order, template.active, template.changed_by) == (7, False, owner)

    def test_the_list_searches_texts_and_filters_by_language(
        self, staff: Client, templates: Callable[..., PromptTemplate]
    ) -> None:
        templates("Guide", text="Speak of museums.")
        templates("Cook", text="Speak of soup.")
        templates("廚師", slug="cook", language="zh-Hant")
        found = staff.get(reverse(f"{ADMIN}changelist"), {"q": "museums"}).content.decode()
        assert "Guide" in found
        assert "Cook" not in found
        chinese = staff.get(reverse(f"{ADMIN}changelist"), {"language__exact": "zh-Hant"})
        assert "廚師" in chinese.content.decode()
        assert "Guide" not in chinese.content.decode()

    def test_the_preview_shows_what_is_sent_as_text_and_where_to_try_it(
        self, staff: Client, templates: Callable[..., PromptTemplate]
    ) -> None:
        template = templates("Guide", text="One.\n\n<b>Two</b>.")
        page = staff.get(reverse(f"{ADMIN}change", args=[template.pk])).content.decode()
        assert "<p>One.</p>\n\n<p>&lt;b&gt;Two&lt;/b&gt;.</p>" in page
        assert f'href="/?template={template.pk}"' in page
        template.active = False
        template.save()
        page = staff.get(reverse(f"{ADMIN}change", args=[template.pk])).content.decode()
        assert f'href="/?template={template.pk}"' not in page

    def test_a_slug_serves_once_a_language(
        self, staff: Client, templates: Callable[..., PromptTemplate]
    ) -> None:
        templates("Guide")
        refused = staff.post(reverse(f"{ADMIN}add"), self.form()).content.decode()
        assert "There is one with this slug in this language." in refused
        staff.post(reverse(f"{ADMIN}add"), self.form(language="zh-Hant"))
        assert PromptTemplate.objects.filter(slug="guide").count() == 2
