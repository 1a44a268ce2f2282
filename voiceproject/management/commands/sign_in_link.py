"""``manage.py sign_in_link [USERNAME]``: a link that signs in, once, within ten minutes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from interaction.management.users import get_active_user
from voiceproject.sign_in import link_for


class Command(BaseCommand):
    help = str(_("Print a link that signs a user in, once, within ten minutes."))

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", default="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(link_for(get_active_user(options["username"])))
