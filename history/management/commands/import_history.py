"""``manage.py import_history FILE --user NAME``: take in what ``export_history`` wrote."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from history.importing import ImportRefused, import_zip
from interaction.management.users import get_active_user


class Command(BaseCommand):
    help = str(
        gettext_lazy("Import a ZIP of conversations, for a person; what is here already stays.")
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--user", default="owner", help="whose they will be (owner)")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = get_active_user(options["user"])
        try:
            with options["file"].open("rb") as file:
                report = import_zip(file, owner)
        except OSError as error:
            message = _("%(file)s cannot be read: %(why)s.")
            words = {"file": options["file"], "why": error.strerror}
            raise CommandError(message % words) from error
        except ImportRefused as refused:
            raise CommandError(f"{options['file']}: {refused}") from refused
        self.stdout.write(
            _("Imported: %(imported)d. Here already: %(here)d.")
            % {"imported": len(report.imported), "here": len(report.already_here)}
        )
