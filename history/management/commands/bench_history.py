"""``manage.py bench_history``: how long the pages of the history take, and how many queries."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.models import Avg
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
    "process computed, the median; where it is far less, others had the processor."
)


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
        table = Table("", "p50", "p95", "CPU", _("queries"), caption=MEASURED)
        for name, path in paths.items():
            times, computed, queries = measure(client, path, options["repeat"])
            figures = (*np.percentile(times, (50, 95)), np.median(computed))
            table.add_row(name, *(f"{ms:.0f}" for ms in figures), str(queries))
        Console(file=cast("IO[str]", self.stdout), width=110).print(table)


def pages_of(user: Any) -> Iterator[tuple[str, str]]:
    """(what it is, path) of the list in all its variants, and of a session."""
    here = reverse("history:list")
    spoken = summaries_of(user).filter(silent=False)
    count = spoken.count()
    if not count:
        raise CommandError(_("There is no conversation to measure: manage.py make_history."))
    pages = -(-count // SESSIONS_A_PAGE)
    yield f"list of {count}", here
    yield f"page {pages // 2}", f"{here}?page={pages // 2}"
    yield f"page {pages}", f"{here}?page={pages}"
    for sort in list(SORTS)[1:]:
        yield f"sort={sort}", f"{here}?sort={sort}"
    for name, value in values_of(user, spoken).items():
        yield f"{name}={value}", here + SessionFilter.model_validate({name: value}).query()
    for name, text in SEARCHES.items():
        yield f"{name}: {text}", here + SessionFilter(text=text).query()
    both = SessionFilter(text="weather", mode="realtime", interrupted=True, p95_above=900)
    yield "four filters", here + both.query()
    yield "REST, first page", reverse("api:create_session")
    longest = spoken.order_by("-turn_count")[0]
    yield f"session, {longest.turn_count} turns", reverse("history:detail", args=[longest.pk])


def values_of(user: Any, spoken: Any) -> dict[str, Any]:
    """A value for each filter but the words."""
    newest: SessionSummary = spoken[0]
    middle = spoken.order_by("created_at")[spoken.count() // 2].created_at
    offers = Offers(user)
    fixed = {
        "since": middle.isoformat(),
        "until": middle.isoformat(),
        "mode": newest.mode,
        "status": "ended",
        "interrupted": "true",
        "failed": "true",
        "p95_above": round(spoken.aggregate(ms=Avg("p95_ms"))["ms"] or 0),
        "starred": "true",
        "silent": "only",
    }
    values = {}
    for name in SessionFilter.model_fields:
        if name in fixed:
            values[name] = fixed[name]
        elif name != "text" and (offered := offers.of(name)):
            values[name] = offered[-1][0]
    return values


def measure(client: Client, path: str, repeat: int) -> tuple[list[float], list[float], int]:
    """Milliseconds of each request, on the clock and computing, and the queries of the last one.
    Raises ``CommandError``."""
    times: list[float] = []
    computed: list[float] = []
    made: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        made.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        for _number in range(repeat + 1):
            made.clear()
            start, begun = time.perf_counter(), time.process_time()
            status = client.get(path).status_code
            times.append((time.perf_counter() - start) * 1000)
            computed.append((time.process_time() - begun) * 1000)
            if status != 200:
                raise CommandError(
                    _("%(path)s: status %(status)d") % {"path": path, "status": status}
                )
    return times[1:], computed[1:], len(made)
