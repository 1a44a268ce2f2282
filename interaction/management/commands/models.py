"""``manage.py models [NAME…]``: the local recogniser's models; with names, these are fetched."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any, cast

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

if TYPE_CHECKING:
    from interaction.providers.local.moonshine.models import Model

SUGGESTED = "small-streaming-en"
MEGABYTE = 1_000_000


class Command(BaseCommand):
    help = str(
        gettext_lazy(
            "List the models of Moonshine, the better local speech recogniser, or fetch those that"
            " are named. A conversation in the language of a model that is here uses it, unless it"
            " chooses otherwise; without one, PocketSphinx recognises English."
        )
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help=SUGGESTED)

    def handle(self, *args: Any, **options: Any) -> None:
        if find_spec("moonshine_voice") is None:
            message = _(
                "The package moonshine-voice is not installed: there is none for this system."
            )
            raise CommandError(message)
        from interaction.providers.local.moonshine.models import models

        console = Console(file=cast("IO[str]", self.stdout), highlight=False)
        if not options["names"]:
            console.print(_listed(models()))
            console.print(_("Fetch one: manage.py models %(name)s") % {"name": SUGGESTED})
            return
        known = {model.name: model for model in models()}
        if unknown := [name for name in options["names"] if name not in known]:
            message = _("There is no model %(name)s. `manage.py models` lists those there are.")
            raise CommandError(message % {"name": ", ".join(unknown)})
        for name in options["names"]:
            _fetch(known[name], console)


def _listed(models: Sequence[Model]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(_("Model"))
    table.add_column(_("MB"), justify="right")
    table.add_column(_("On this disk"))
    table.add_column(_("Licence"))
    for model in models:
        here = _("yes") if model.present else ""
        licence = "MIT" if model.free else _("non-commercial")
        table.add_row(model.name, f"{model.size / MEGABYTE:.0f}", here, licence)
    return table


def _fetch(model: Model, console: Console) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task(model.name, total=model.size)
            model.download(lambda part, _: progress.update(bar, completed=part * model.size))
            progress.update(bar, completed=model.size)
    except (OSError, ValueError) as error:
        # What came so far is kept: the next attempt goes on from there.
        message = _("%(name)s was not fetched: %(reason)s. The other recognisers go on as before.")
        raise CommandError(message % {"name": model.name, "reason": _reason(error)}) from None
    console.print(_("%(name)s is here, in %(path)s.") % {"name": model.name, "path": model.path})


def _reason(error: OSError | ValueError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return _("the server answered %(status)s") % {"status": response.status_code}
    if isinstance(error, OSError):
        return error.strerror or _("the server cannot be reached")
    return _("what came is damaged")
