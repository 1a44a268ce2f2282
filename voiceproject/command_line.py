"""The command line of ``manage.py``: it is about the installation that runs, speaks the person's
language, and says in one line what is missing where there is no database yet."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from voiceproject.instances import DATA_DIR_VARIABLE, Adopted, adopt

ABOUT_NO_INSTALLATION = frozenset((
    *("up", "models", "schemas", "bench_engines", "help", "version", "test"),
    *("makemigrations", "makemessages", "compilemessages"),
))  # fmt: skip
"""Commands that start one, or want neither its data nor its server."""
NOT_MIGRATED = ("no such table", "no such column", "has no column", "does not exist")
"""How SQLite and PostgreSQL say that a table or a column is missing."""
LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Where POSIX has the language of messages, the first one that is set."""


def run(argv: Sequence[str]) -> None:
    """Run a command of Django's or of Parley's. Exit code 1 and one line on standard error where
    the settings are wrong or the database is not as it must be."""
    named = bool(os.environ.get(DATA_DIR_VARIABLE))
    adopted = None if is_about_no_installation(argv) else adopt(os.environ)
    try:
        django.setup()
        if language := language_of(os.environ):
            translation.activate(language)
        if adopted and not named and differs_from_the_default(adopted):
            sys.stderr.write(f"{which(adopted)}\n")
        execute_from_command_line(list(argv))
    except (ImproperlyConfigured, DatabaseError, InterfaceError) as error:
        message = str(error) if isinstance(error, ImproperlyConfigured) else explained(error)
        if not message or "--traceback" in argv:
            raise
        sys.stderr.write(f"{message}\n")
        sys.exit(1)


def is_about_no_installation(argv: Sequence[str]) -> bool:
    """Also where a command is asked for its help alone."""
    command = argv[1] if len(argv) > 1 else "help"
    return (
        command in ABOUT_NO_INSTALLATION
        or command.startswith("-")
        or any(word in ("-h", "--help") for word in argv[2:])
    )


def language_of(environ: os._Environ[str] | dict[str, str]) -> str | None:
    """The language of the person at the terminal, if Parley has it."""
    name = next((found for one in LOCALE_VARIABLES if (found := environ.get(one))), "")
    try:
        code = name.partition(".")[0].partition("@")[0].replace("_", "-").lower()
        return translation.get_supported_language_variant(code) if code else None
    except LookupError:
        return None


def differs_from_the_default(adopted: Adopted) -> bool:
    defaults = type(settings.ENV).model_fields
    chosen = adopted.instance.choices
    return (
        adopted.others_running > 0
        or Path(chosen[DATA_DIR_VARIABLE]) != defaults["parley_data_dir"].default
        or chosen.get("PORT") not in (None, str(defaults["port"].default))
    )


def which(adopted: Adopted) -> str:
    """Says which installation a command is about."""
    facts = {"folder": adopted.instance.data_dir, "port": adopted.instance.port}
    if not adopted.is_running:
        return (
            _("This is about the Parley in %(folder)s, which ran last. It does not run now.")
            % facts
        )
    taken = _("This is about the Parley in %(folder)s, on port %(port)s.") % facts
    if not adopted.others_running:
        return taken
    others = ngettext(
        "%(count)d other runs too: PARLEY_DATA_DIR names the one that you mean.",
        "%(count)d others run too: PARLEY_DATA_DIR names the one that you mean.",
        adopted.others_running,
    )
    return f"{taken} {others % {'count': adopted.others_running}}"


def explained(error: Exception) -> str:
    """What is the matter with the database, and what to do; empty where it is none of that."""
    why = str(error).strip().partition("\n")[0]
    if connection.vendor == "sqlite" and "unable to open" in why:
        file = sqlite_file()
        if not file.exists():
            return _(
                "There is no database in %(folder)s. Make one with `make run` or `manage.py"
                " migrate`, or set PARLEY_DATA_DIR to the folder that you mean."
            ) % {"folder": file.parent}
        return _("The database %(file)s cannot be opened. Whose is it?") % {"file": file}
    # A plain DatabaseError is SQLite's of a file that is none of its own; its kinds are bugs.
    is_operational = type(error) in (OperationalError, InterfaceError, DatabaseError)
    if any(word in why for word in NOT_MIGRATED) and (
        connection.vendor == "sqlite" or not is_operational
    ):
        return _("The database is not up to date: run `manage.py migrate` first.")
    if is_operational:
        return _("The database cannot be used: %(why)s.") % {"why": why.rstrip(".")}
    return ""


def sqlite_file() -> Path:
    """Where the settings have the database."""
    name = str(connection.settings_dict["NAME"])
    return Path(unquote(name.removeprefix("file:").partition("?")[0]))
