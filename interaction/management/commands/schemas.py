"""``manage.py schemas``: write what is generated from the protocol's models, or check that it is
fresh: the JSON Schemas, and from those the types that the page's scripts are checked against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from interaction.edges import json_schemas
from interaction.management import typescript


class Command(BaseCommand):
    help = "Write interaction/edges/schemas/*.json and static/talk/protocol-types.d.ts."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail where a file is not fresh"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = _generated()
        there = {path: path.read_text() for path in _present()}
        stale = sorted(path.name for path in wanted | there if wanted.get(path) != there.get(path))
        if options["check"]:
            if stale:
                raise CommandError(
                    _("Not fresh: %(files)s. Run `manage.py schemas`.")
                    % {"files": ", ".join(stale)}
                )
            return
        json_schemas.FOLDER.mkdir(exist_ok=True)
        for path in there.keys() - wanted.keys():
            path.unlink()
        for path, text in wanted.items():
            path.write_text(text)
        self.stdout.write(_("%(count)d files written.") % {"count": len(stale)})


def _generated() -> dict[Path, str]:
    """Every file as it should be."""
    files = json_schemas.generated()
    client, server = (
        [json.loads(files[json_schemas.path_of(name)]) for name in names]
        for names in (json_schemas.CLIENT, json_schemas.SERVER)
    )
    return files | {typescript.PATH: typescript.declarations(client, server)}


def _present() -> list[Path]:
    """The files of that kind that are there."""
    return [
        path for path in (*json_schemas.FOLDER.glob("*.json"), typescript.PATH) if path.exists()
    ]
