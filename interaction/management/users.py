"""Looking up users for the commands of ``manage.py``."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import CommandError
from django.utils.translation import gettext as _


def get_active_user(username: str) -> AbstractBaseUser:
    """The active user of that name. Raises ``CommandError`` with the way out."""
    user = get_user_model().objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(
            _("There is no active user %(name)s. `manage.py seed` makes owner.")
            % {"name": username}
        )
    return user
