"""``manage.py migrate``: Django's; the one command that makes the data folder and a database."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.utils.translation import gettext as _

LOOKS_ONLY = ("plan", "check_unapplied")


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> str | None:
        # Before the system checks: one of Django's own asks the database.
        if not any(options[name] for name in LOOKS_ONLY):
            make_data_folder()
            let_the_database_be_made(options["database"])
        return super().execute(*args, **options)


def make_data_folder() -> None:
    """Raises ``CommandError``."""
    try:
        settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            _("The data folder %(folder)s cannot be made: %(why)s. Set PARLEY_DATA_DIR to another.")
            % {"folder": settings.DATA_DIR, "why": error.strerror}
        ) from error


def let_the_database_be_made(alias: str) -> None:
    """SQLite's file; the settings would have it be there already."""
    connection = connections[alias]
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite" and name.endswith("?mode=rw"):
        connection.close()
        connection.settings_dict["NAME"] = f"{name}c"
