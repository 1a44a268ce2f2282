"""``manage.py prune_history [--dry-run]``: delete at once what the beat would delete by and by."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from history import orphans
from history.deletion import erase_in_chunks, what_goes
from history.retention import due


class Command(BaseCommand):
    help = str(
        gettext_lazy(
            "Delete the conversations that are older, or take more room, than is to be kept, and "
            "recordings that belong to none."
        )
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go, no more")

    def handle(self, *args: Any, **options: Any) -> None:
        found = due()
        lost = orphans.find()
        because = Counter(one.because for one in found)
        goes = what_goes([one.session_id for one in found])
        self.stdout.write(
            _(
                "Conversations: %(sessions)d (%(age)d for their age, %(size)d for their size); "
                "%(turns)d turns, %(minutes).1f minutes of recordings, %(megabytes).1f MB."
            )
            % {
                "sessions": goes.sessions,
                "age": because["age"],
                "size": because["size"],
                "turns": goes.turns,
                "minutes": goes.recorded_minutes,
                "megabytes": goes.megabytes,
            }
        )
        self.stdout.write(
            _("Files without a row: %(files)d. Recordings whose file is gone: %(turns)d.")
            % {"files": len(lost.files), "turns": len(lost.turns)}
        )
        if options["dry_run"]:
            self.stdout.write(_("Nothing was deleted."))
            return
        erased = erase_in_chunks([one.session_id for one in found])
        orphans.remove(lost)
        self.stdout.write(_("Deleted: %(count)d.") % {"count": erased})
