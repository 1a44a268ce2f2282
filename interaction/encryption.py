"""Stored keys are encrypted with the installation's own key, which can be changed.

``settings.CREDENTIALS_KEYS`` holds Fernet keys. The first one encrypts; each can decrypt, so that a
new one is put before the old one until ``manage.py reseal`` has encrypted everything anew.
"""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Undecryptable(Exception):
    """None of this installation's keys decrypts it. The exception holds nothing of it."""


class NoEncryptionKey(Undecryptable):
    """What stands in PARLEY_CREDENTIALS_KEY is no Fernet key."""


def encrypt(secret: str) -> str:
    return _fernet().encrypt(secret.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Raises ``Undecryptable``."""
    try:
        return _fernet().decrypt(encrypted.encode()).decode()
    except (InvalidToken, UnicodeError):
        raise Undecryptable from None


def encrypt_anew(encrypted: str) -> str:
    """The same secret, encrypted with the first key. Raises ``Undecryptable``."""
    try:
        return _fernet().rotate(encrypted.encode()).decode()
    except InvalidToken:
        raise Undecryptable from None


def _fernet() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.CREDENTIALS_KEYS])
    except ValueError:
        raise NoEncryptionKey from None
