"""``manage.py export_history FILE --user NAME``: a person's conversations as a file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import ValidationError

from history.export.document import load
from history.export.formats import FORMATS
from history.filters import SessionFilter
from history.queries import sessions_of
from interaction.management.users import get_active_user
from interaction.sessions.validation_sentences import explain


class Command(BaseCommand):
    help = str(gettext_lazy("Write a person's conversations, or a selection of them, to a file."))

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="path; - for the standard output")
        parser.add_argument("--user", default="owner", help="whose they are (owner)")
        parser.add_argument("--format", choices=FORMATS, default="zip")
        for name in SessionFilter.model_fields:
            parser.add_argument(f"--{name.replace('_', '-')}", dest=f"filter_{name}")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {
            name: value
            for name in SessionFilter.model_fields
            if (value := options[f"filter_{name}"]) is not None
        }
        try:
            wanted = SessionFilter(**given)
        except ValidationError as error:
            raise CommandError(explain(error)) from error
        found = wanted.filter(sessions_of(get_active_user(options["user"])))
        session_ids = list(found.order_by("created_at", "pk").values_list("pk", flat=True))
        pieces = FORMATS[options["format"]].many(load(session_ids))
        if options["file"] == "-":
            sys.stdout.buffer.writelines(pieces)
            return
        _write(Path(options["file"]), pieces)
        self.stdout.write(_("Exported: %(count)d.") % {"count": len(session_ids)})


def _write(path: Path, pieces: Any) -> None:
    """Under another name until it is whole: what has the name is never half a file."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("wb") as target:
            target.writelines(pieces)
        unfinished.replace(path)
    except OSError as error:
        message = _("%(file)s cannot be written: %(why)s.")
        raise CommandError(message % {"file": path, "why": error.strerror}) from error
    finally:
        unfinished.unlink(missing_ok=True)
