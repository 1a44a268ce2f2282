"""What a person's own sessions can be narrowed by: the providers, models, templates, languages and
tags that occur among them, by their names for people."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from history.models import SessionSummary, Tag
from interaction.credentials.language_support import language_name
from interaction.credentials.provider_selection import provider_label
from interaction.models import PromptTemplate
from interaction.providers.config import KINDS

COLUMNS = (
    "language",
    "template",
    *(column for kind in KINDS for column in (kind, f"{kind}_model")),
)


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
        rows = SessionSummary.objects.filter(owner=self._user).order_by()
        combinations = list(rows.values_list(*COLUMNS).distinct())
        titles = dict(PromptTemplate.objects.values_list("pk", "title"))
        offers = {
            column: sorted(
                ((str(value), _label(column, value, titles)) for value in set(values) if value),
                key=lambda offer: offer[1].casefold(),
            )
            for column, values in zip(COLUMNS, zip(*combinations, strict=True), strict=True)
        } if combinations else {column: [] for column in COLUMNS}  # fmt: skip
        names = Tag.objects.filter(owner=self._user).values_list("name", flat=True)
        return offers | {"tag": [(name, name) for name in names]}


def _label(column: str, value: Any, titles: dict[int, str]) -> str:
    if column == "language":
        return language_name(value)
    if column == "template":
        return titles.get(value) or _("Template %(number)d") % {"number": value}
    return str(value) if column.endswith("_model") else provider_label(column, value)
