"""``manage.py api_token USERNAME``: a new token for programs, shown this once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from interaction.management.users import get_active_user
from interaction.models import ApiToken


class Command(BaseCommand):
    help = str(_("Print a new API token of a user; it is kept as a hash and cannot be had again."))

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(ApiToken.make(get_active_user(options["username"])))
