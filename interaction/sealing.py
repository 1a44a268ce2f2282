"""People's keys at rest: encrypted with the installation's own key, which can be changed.

``settings.CREDENTIALS_KEYS`` holds Fernet keys. The first one encrypts; each can decrypt, so that a
new one is put before the old one until ``manage.py reseal`` has encrypted everything anew.
"""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """None of this installation's keys opens it. The exception holds nothing of it."""


class NoKey(Unreadable):
    """What stands in PARLEY_CREDENTIALS_KEY is no key."""


def seal(secret: str) -> str:
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises ``Unreadable``."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError):
        raise Unreadable from None


def reseal(sealed: str) -> str:
    """The same secret, encrypted with the first key. Raises ``Unreadable``."""
    try:
        return _box().rotate(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def _box() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.CREDENTIALS_KEYS])
    except ValueError:
        raise NoKey from None
