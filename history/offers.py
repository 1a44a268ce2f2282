"""What a person's own sessions can be narrowed by: the providers, models, templates, languages and
tags that occur among them, by their names for people."""

from __future__ import annotations

from typing import Any, cast

from django.utils.translation import gettext as _

from history.models import OfferedValue, Tag
from history.models.offered import COLUMNS
from interaction.credentials.language_support import language_name
from interaction.credentials.provider_selection import provider_label
from interaction.models import PromptTemplate
from interaction.providers.config import Kind


class Offers:
    """``Offers(user).of("stt")``: [(value, label)], in the labels' order. Three queries, the first
    time."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._occurring: dict[str, list[tuple[str, str]]] | None = None

    def of(self, filter_name: str) -> list[tuple[str, str]]:
        if self._occurring is None:
            self._occurring = self._look_up()
        return self._occurring[filter_name]

    def _look_up(self) -> dict[str, list[tuple[str, str]]]:
        titles = {str(pk): title for pk, title in PromptTemplate.objects.values_list("pk", "title")}
        offers: dict[str, list[tuple[str, str]]] = {column: [] for column in COLUMNS}
        values = OfferedValue.objects.filter(owner=self._user).values_list("column", "value")
        for column, value in values:
            offers[column].append((value, _label(column, value, titles)))
        for choices in offers.values():
            choices.sort(key=lambda choice: choice[1].casefold())
        names = Tag.objects.filter(owner=self._user).values_list("name", flat=True)
        return offers | {"tag": [(name, name) for name in names]}


def _label(column: str, value: str, titles: dict[str, str]) -> str:
    if column == "language":
        return language_name(value)
    if column == "template":
        return titles.get(value) or _("Template %(number)s") % {"number": value}
    return value if column.endswith("_model") else provider_label(cast("Kind", column), value)
