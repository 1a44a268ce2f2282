"""``manage.py seed``: what a new installation starts with; does nothing where it is there."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class Command(BaseCommand):
    help = str(gettext_lazy("Make the first user, owner, unless there is one."))

    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model().objects
        if not users.filter(is_superuser=True).exists():
            # No password: the first way in is a sign-in link.
            users.create_superuser(username="owner")
            self.stdout.write(_("Made the user owner."))
