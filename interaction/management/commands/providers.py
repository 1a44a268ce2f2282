"""``manage.py providers``: every provider there is, and the variables that it reads.

``--document FILE`` writes the table of those that Parley brings along into docs/providers.md.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rich.console import Console
from rich.table import Table

from interaction.providers import registry
from interaction.providers.config import KINDS, Kind
from interaction.providers.declaration import Provider, StageEntry
from interaction.providers.registry import SHIPPED, Registry

BEGINS, ENDS = "<!-- providers -->\n", "<!-- /providers -->\n"
"""Lines of the document around the table."""
NAMES: dict[Kind, str] = {"stt": "STT", "llm": "LLM", "tts": "TTS", "realtime": "realtime"}


class Command(BaseCommand):
    help = str(
        gettext_lazy(
            "List every provider, the stages that it serves and the variables of the environment"
            " (or .env) that it reads, each with its default."
        )
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--document",
            metavar="FILE",
            type=Path,
            help=str(gettext_lazy("write the table of the shipped ones into docs/providers.md")),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if path := options["document"]:
            path.write_text(documented(path.read_text()))
            return
        console = Console(file=cast("IO[str]", self.stdout), highlight=False)
        table = Table(box=None, pad_edge=False)
        for title in (_("Provider"), _("Serves"), _("Missing here"), _("Variables")):
            table.add_column(title)
        for provider in registry.current().providers.values():
            variables = "\n".join(_variables(provider))
            missing = ", ".join(_missing(provider))
            table.add_row(provider.name, " ".join(_serves(provider)), missing, variables)
        console.print(table)


def documented(text: str) -> str:
    """The document with the table of the shipped providers as they are declared."""
    before, _begins, rest = text.partition(BEGINS)
    _table, _ends, after = rest.partition(ENDS)
    rows = ["| stage | name | how | what it needs | tried against |", "|---|---|---|---|---|"]
    shipped = Registry(SHIPPED, use_entry_points=False)
    for kind in KINDS:
        for entry in shipped.entries(kind).values():
            cells = (NAMES[kind], f"`{entry.name}`", entry.how, _needs(shipped, entry))
            rows.append(f"| {' | '.join(cells)} | {entry.tried_against} |")
    return f"{before}{BEGINS}\n" + "\n".join(rows) + f"\n\n{ENDS}{after}"


def _needs(shipped: Registry, entry: StageEntry) -> str:
    if entry.needs or not entry.capabilities.needs_key:
        return entry.needs or "nothing"
    account = shipped.account(shipped.account_of(entry.kind, entry.name))
    key = f"`{account.api_key_variable.name}`" if account.api_key_variable else "a key"
    return f"{key}, or a server of your own" if account.needs_no_key_elsewhere else key


def _serves(provider: Provider) -> list[str]:
    return list(dict.fromkeys(NAMES[stage.kind] for stage in provider.stages))


def _missing(provider: Provider) -> list[str]:
    """What must be installed or fetched before it can be used."""
    words = {"package": _("its package"), "model": _("a model: manage.py models")}
    found = (registry.missing_requirement(stage) for stage in provider.stages)
    return list(dict.fromkeys(words[one] for one in found if one))


def _variables(provider: Provider) -> Iterator[str]:
    for variable in provider.environment:
        yield f"{variable.name} ({variable.default})" if variable.default else variable.name
