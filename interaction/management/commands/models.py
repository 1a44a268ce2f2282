"""``manage.py models [NAME…]``: the local recogniser's models; with names, these are fetched."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from interaction.api.models import reason_of
from interaction.providers.local._shared.model_files import FetchFailed, WheelModel
from interaction.providers.local.moonshine.models import DEFAULT, MODELS

MEGABYTE = 1_000_000


class Command(BaseCommand):
    help = str(
        gettext_lazy(
            "List the models of Moonshine, the better local speech recogniser, or fetch those that"
            " are named, by pip from its package index. An English conversation uses the best one"
            " that is here, unless it chooses otherwise; without one, PocketSphinx recognises."
        )
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(MODELS))
        parser.add_argument(
            "--if-missing",
            action="store_true",
            help=str(
                gettext_lazy("say nothing of a model that is here, and do not fail without one")
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(file=cast("IO[str]", self.stdout), highlight=False, soft_wrap=True)
        if not options["names"]:
            console.print(_listed())
            console.print(_("Fetch one: manage.py models %(name)s") % {"name": DEFAULT})
            return
        if unknown := [name for name in options["names"] if name not in MODELS]:
            message = _("There is no model %(name)s. `manage.py models` lists those there are.")
            raise CommandError(message % {"name": ", ".join(unknown)})
        for model in (MODELS[name] for name in options["names"]):
            if not (options["if_missing"] and model.present):
                self._fetch(model, console, lenient=options["if_missing"])

    def _fetch(self, model: WheelModel, console: Console, *, lenient: bool) -> None:
        try:
            _fetch(model, console)
        except FetchFailed as failed:
            message = _("%(name)s was not fetched. %(reason)s The other recognisers go on.") % {
                "name": model.name,
                "reason": reason_of(failed.trouble),
            }
            if not lenient:
                raise CommandError(message) from None
            console.print(message)
        else:
            console.print(
                _("%(name)s is here, in %(path)s.") % {"name": model.name, "path": model.path}
            )


def _listed() -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(_("Model"))
    table.add_column(_("MB"), justify="right")
    table.add_column(_("On this disk"))
    table.add_column(_("Licence"))
    for model in MODELS.values():
        here = _("yes") if model.present else ""
        table.add_row(model.name, f"{model.size / MEGABYTE:.0f}", here, "MIT")
    return table


def _fetch(model: WheelModel, console: Console) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(model.name, total=model.wheel_size)
        model.fetch(lambda part: progress.update(bar, completed=part * model.wheel_size))
