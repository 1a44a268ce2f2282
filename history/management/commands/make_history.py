"""``manage.py make_history``: an archive of conversations that nobody had, to measure with."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from history import summaries
from history.made_up import Archive, WithTurns
from history.models import Star, Tag
from history.summaries import TurnFacts
from interaction.management.users import get_active_user
from interaction.models import Session, Turn, TurnLatency

STARRED = 20
"""One session of so many is starred."""
TAGS = {"demo": 4, "重要": 30, "to keep": 200}
"""One session of so many has the tag."""
BATCH = 2_000
"""Sessions that are written in one transaction."""


class Command(BaseCommand):
    help = str(
        gettext_lazy(
            "Write an archive of made-up conversations, without audio, over the last eighteen "
            "months: for measuring, never beside real ones. The same seed gives the same ones."
        )
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sessions", type=int, default=1_000, metavar="N")
        parser.add_argument("--turns", type=int, default=5_000, metavar="N", help=_("altogether"))
        parser.add_argument("--user", default="owner", help=_("whose they are (default: owner)"))
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sessions"] < 1 or options["turns"] < 0:
            raise CommandError(_("Name at least one session, and no fewer than 0 turns."))
        until = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        archive = Archive(
            owner=get_active_user(options["user"]),
            sessions=options["sessions"],
            turns=options["turns"],
            until=until,
            seed=options["seed"],
        )
        if _is_there(archive):
            raise CommandError(_("They are there already: name another --seed for more."))
        written = 0
        for batch in archive.batches(BATCH):
            keep(batch)
            mark(batch)
            written += len(batch)
            self.stdout.write(f"{written}/{archive.sessions}", ending="\r")
        _settle()
        self.stdout.write(
            _("Made %(sessions)d sessions with %(turns)d turns.")
            % {"sessions": written, "turns": archive.turns}
        )


@transaction.atomic
def keep(batch: Sequence[WithTurns]) -> None:
    """Write sessions, turns, latencies, and what they are found by."""
    turns = [turn for _session, of_session in batch for turn in of_session]
    insert(Session, [session for session, _turns in batch])
    insert(Turn, turns)
    insert(TurnLatency, [turn.latency for turn in turns])
    facts = [(session, [TurnFacts.of(turn) for turn in turns]) for session, turns in batch]
    summaries.write(facts)


@transaction.atomic
def mark(batch: Sequence[WithTurns]) -> None:
    """Star some, and tag some: the same ones for the same seed."""
    sessions = [session for session, _turns in batch]
    Star.put([one.pk for one in sessions if one.pk.int % STARRED == 0], True)
    owner = sessions[0].owner
    Tag.objects.bulk_create(
        [Tag(owner=owner, name=name, key=Tag.key_of(name)) for name in TAGS], ignore_conflicts=True
    )
    tags = Tag.objects.filter(owner=owner, key__in=map(Tag.key_of, TAGS))
    by_key = {tag.key: tag for tag in tags}
    of_session = Tag.sessions.through
    of_session.objects.bulk_create(
        [
            of_session(tag=by_key[Tag.key_of(name)], session=session)
            for name, every in TAGS.items()
            for session in sessions
            if session.pk.int % every == 0
        ]
    )


def insert(model: type[Model], rows: Sequence[Any]) -> None:
    """As ``bulk_create``, but as they are (it dates them to the moment at which they are written),
    and in a third of the time."""
    fields = model._meta.concrete_fields
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(field.column or "") for field in fields)
    places = ", ".join("%s" for _field in fields)
    sql = f"INSERT INTO {quoted(model._meta.db_table)} ({columns}) VALUES ({places})"
    with connection.cursor() as cursor:
        cursor.executemany(sql, [_values(row, fields) for row in rows])


def _values(row: Any, fields: Sequence[Any]) -> list[Any]:
    return [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]


def _is_there(archive: Archive) -> bool:
    first = next(archive.batches(1))[0][0]
    return Session.objects.filter(pk=first.pk).exists()


def _settle() -> None:
    """What the database does by itself in time: statistics, and what its indexes put off."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute(
                "INSERT INTO history_words_index(history_words_index) VALUES ('optimize')"
            )
            cursor.execute("ANALYZE")
