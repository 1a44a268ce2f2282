"""``manage.py address``: where programs on this machine reach the server."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy

from interaction.management.address import local_host_and_port


class Command(BaseCommand):
    help = str(gettext_lazy("Print the address at which programs on this machine reach Parley."))
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        # Without TLS even behind a proxy that has it: this is the server itself.
        self.stdout.write(f"http://{local_host_and_port()}")
