"""``manage.py bench_history``: how long the pages of the history take, and how many queries."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.models import Avg, QuerySet
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rich.console import Console
from rich.table import Table

from history.filters import SessionFilter
from history.listing import SESSIONS_A_PAGE
from history.models import SessionSummary
from history.offers import Offers
from history.ordering import SORTS
from history.queries import summaries_of
from interaction.management.users import get_active_user

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SEARCHES = {
    "common word": "the",
    "two words": "weather paris",
    "beginning of a word": "wea",
    "phrase": '"train to paris"',
    "rare word": "zanzibar",
    "rare Chinese": "曇花",
    "common Chinese": "請問",
    "Chinese phrase": "從哪裡開始",
    "one Chinese character": "的",
    "word that nobody said": "xylophone",
}
MEASURED = (
    "ms of whole requests in this process: middleware, queries, templates. CPU: the time that this "
    "process computed, the median; where it is far less, others had the processor, or a database "
    "server worked."
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A request that was made again and again; times in ms."""

    times: list[float]
    computed: list[float]
    """Of the processor's time."""
    queries: set[int]
    """How many there were: one number, unless they differed."""

    def figures(self) -> list[str]:
        p50, p95 = np.percentile(self.times, (50, 95))
        figures = (p50, p95, max(self.times), np.median(self.computed))
        return [*(f"{ms:.0f}" for ms in figures), "/".join(map(str, sorted(self.queries)))]


class Command(BaseCommand):
    help = str(
        gettext_lazy(
            "Ask for the pages of somebody's history, again and again, and say how long they took "
            "and how many queries they made. Paths that are named are asked for in their place."
        )
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="*", metavar="path", help=_("such as /history/?mode=…"))
        parser.add_argument("--user", default="owner", help=_("whose history (default: owner)"))
        parser.add_argument("--repeat", type=int, default=20, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_active_user(options["user"])
        client = Client(HTTP_HOST="localhost")
        client.force_login(cast("User", user))
        paths = {path: path for path in options["paths"]} or dict(pages_of(user))
        table = Table("", "p50", "p95", "max", "CPU", _("queries"), caption=MEASURED)
        for name, path in paths.items():
            table.add_row(name, *measure(client, path, options["repeat"]).figures())
        Console(file=cast("IO[str]", self.stdout), width=110).print(table)


def pages_of(user: Any) -> Iterator[tuple[str, str]]:
    """(what it is, path) of every page and resource that is about many conversations, in all its
    variants, and of a conversation."""
    spoken = summaries_of(user).filter(silent=False)
    count = spoken.count()
    if not count:
        raise CommandError(_("There is no conversation to measure: manage.py make_history."))
    filters = filters_of(user, spoken)
    combined = {
        f"{one} + {other}": filters[one].model_copy(
            update=filters[other].model_dump(exclude_none=True)
        )
        for one, other in COMBINED
        if one in filters and other in filters
    }
    yield from _lists(filters, combined, -(-count // SESSIONS_A_PAGE))
    yield from _latencies(filters, combined)
    yield from _sessions(spoken)
    yield "your data", reverse("history:data")


def _lists(
    filters: dict[str, SessionFilter], combined: dict[str, SessionFilter], pages: int
) -> Iterator[tuple[str, str]]:
    here, rest = reverse("history:list"), reverse("api:create_session")
    yield "list", here
    yield f"list, page {pages // 2}", f"{here}?page={pages // 2}"
    yield f"list, page {pages}", f"{here}?page={pages}"
    for sort in list(SORTS)[1:]:
        yield f"list, sort={sort}", f"{here}?sort={sort}"
        yield f"list, sort={sort}, page {pages}", f"{here}?sort={sort}&page={pages}"
    for name, one in (filters | combined).items():
        yield f"list, {name}", here + one.query()
    for sort in list(SORTS)[1:]:
        for name in SORTED:
            yield f"list, sort={sort}, {name}", here + filters[name].query(sort=sort)
    frequent = filters["common word"].query(page=pages // 2)
    yield f"list, common word, page {pages // 2}", here + frequent
    yield "REST, list", rest
    yield "REST, list, page_size=200", f"{rest}?page_size=200"
    yield "REST, list, common word", rest + filters["common word"].query(page_size=200)


def _latencies(
    filters: dict[str, SessionFilter], combined: dict[str, SessionFilter]
) -> Iterator[tuple[str, str]]:
    here, rest = reverse("history:latency"), reverse("api:latency_stats")
    yield "latency", here
    for name, one in (filters | combined).items():
        yield f"latency, {name}", here + one.query()
    yield "REST, latency-stats", rest
    yield "REST, latency-stats by model", f"{rest}?group_by=model&stage=llm"
    yield (
        "REST, latency-stats by mode, common word",
        rest + filters["common word"].query(group_by="mode"),
    )


def _sessions(spoken: QuerySet[SessionSummary]) -> Iterator[tuple[str, str]]:
    by_length = spoken.order_by("-turn_count", "pk")
    for summary in (by_length[0], by_length[len(by_length) // 2]):
        name = f"session of {summary.turn_count} turns"
        yield name, reverse("history:detail", args=[summary.pk])
        yield f"{name}, figures", reverse("history:figures", args=[summary.pk])


COMBINED = (
    ("common word", "mode"),
    ("common word", "tag"),
    ("common word", "interrupted"),
    ("common word", "until"),
    ("Chinese phrase", "language"),
    ("phrase", "llm"),
    ("tag", "starred"),
    ("failed", "p95_above"),
    ("stt_model", "template"),
    ("since", "silent"),
)
SORTED = ("common word", "phrase", "mode", "failed", "tag")
"""Filters of which the list is measured in every order."""


def filters_of(user: Any, spoken: QuerySet[SessionSummary]) -> dict[str, SessionFilter]:
    """By name, a filter of each kind alone, and searches of every kind."""
    values = values_of(user, spoken)
    alone = {name: SessionFilter.model_validate({name: value}) for name, value in values.items()}
    searches = {name: SessionFilter(text=text) for name, text in SEARCHES.items()}
    four = SessionFilter(text="weather", mode="realtime", interrupted=True, p95_above=900)
    return alone | searches | {"four filters": four}


def values_of(user: Any, spoken: QuerySet[SessionSummary]) -> dict[str, Any]:
    """A value for each filter but the words."""
    middle = spoken.order_by("created_at")[spoken.count() // 2].created_at
    offers = Offers(user)
    fixed = {
        "since": middle.isoformat(),
        "until": middle.isoformat(),
        "mode": "cascade",
        "status": "ended",
        "interrupted": "true",
        "failed": "true",
        "p95_above": round(spoken.aggregate(ms=Avg("p95_ms"))["ms"] or 0),
        "starred": "false",
        "silent": "only",
    }
    values = {}
    for name in SessionFilter.model_fields:
        if name in fixed:
            values[name] = fixed[name]
        elif name != "text" and (offered := offers.of(name)):
            values[name] = offered[0][0]
    return values


def measure(client: Client, path: str, repeat: int) -> Measured:
    """Ask for it so often, and once before that. Raises ``CommandError``."""
    measured = Measured([], [], set())
    made: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        made.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        for number in range(repeat + 1):
            made.clear()
            start, begun = time.perf_counter(), time.process_time()
            status = client.get(path).status_code
            if number:
                measured.times.append((time.perf_counter() - start) * 1000)
                measured.computed.append((time.process_time() - begun) * 1000)
                measured.queries.add(len(made))
            if status != 200:
                raise CommandError(
                    _("%(path)s: status %(status)d") % {"path": path, "status": status}
                )
    return measured
