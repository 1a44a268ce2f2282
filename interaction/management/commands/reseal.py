"""``manage.py reseal``: encrypt people's keys anew, after PARLEY_CREDENTIALS_KEY got a new one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from interaction import encryption
from interaction.models import Endpoint, ProviderCredential


class Command(BaseCommand):
    help = str(gettext_lazy("Encrypt all stored keys with the first of PARLEY_CREDENTIALS_KEY."))

    def handle(self, *args: Any, **options: Any) -> None:
        done = lost = 0
        for model in (ProviderCredential, Endpoint):
            for row in model.objects.exclude(sealed=""):
                try:
                    anew = encryption.encrypt_anew(row.sealed)
                except encryption.Undecryptable:
                    lost += 1
                else:
                    # Not where its owner stored another key meanwhile.
                    done += model.objects.filter(pk=row.pk, sealed=row.sealed).update(sealed=anew)
        self.stdout.write(_("Encrypted anew: %(done)d.") % {"done": done})
        if lost:
            raise CommandError(
                _("None of the keys in PARLEY_CREDENTIALS_KEY opens: %(lost)d.") % {"lost": lost}
            )
