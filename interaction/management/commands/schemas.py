"""``manage.py schemas``: write the JSON Schemas of the protocol, or check that they are fresh."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from interaction import contract


class Command(BaseCommand):
    help = "Write interaction/edges/schemas/*.json from the models."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail where a file is not fresh"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = contract.generated()
        there = {path: path.read_text() for path in contract.FOLDER.glob("*.json")}
        stale = sorted(path.name for path in wanted | there if wanted.get(path) != there.get(path))
        if options["check"]:
            if stale:
                raise CommandError(
                    _("Not fresh: %(files)s. Run `manage.py schemas`.")
                    % {"files": ", ".join(stale)}
                )
            return
        contract.FOLDER.mkdir(exist_ok=True)
        for path in there.keys() - wanted.keys():
            path.unlink()
        for path, text in wanted.items():
            path.write_text(text)
        self.stdout.write(_("%(count)d files written.") % {"count": len(stale)})
