"""Whom a key is from, and how to try one: what the settings page needs to know of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interaction.providers.base import Kind
from interaction.providers.table import TABLE


@dataclass(frozen=True, slots=True)
class Account:
    label: str
    """A name for people."""
    base_url: str = ""
    """Where it lives when the environment does not say; without a slash at its end."""
    trial: str = ""
    """Path of a request that costs nothing and wants a right key; empty: it cannot be tried."""
    header: str = "Authorization"
    scheme: str = "Bearer "
    """What stands before the key in ``header``."""
    more: tuple[tuple[str, str], ...] = ()
    """Other headers of that request."""
    keys_page: str = ""
    """Where people make their keys."""


OPENAI_ADDRESS = "https://api.openai.com"
"""Elsewhere, a server that speaks its protocol may want no key."""

ACCOUNTS: Mapping[str, Account] = {
    "openai": Account(
        "OpenAI",
        OPENAI_ADDRESS + "/v1",
        trial="/models",
        keys_page="https://platform.openai.com/api-keys",
    ),
    "gemini": Account(
        "Google Gemini",
        "https://generativelanguage.googleapis.com",
        trial="/v1beta/models?pageSize=1000",
        header="x-goog-api-key",
        scheme="",
        keys_page="https://aistudio.google.com/apikey",
    ),
    "anthropic": Account(
        "Anthropic",
        "https://api.anthropic.com",
        trial="/v1/models?limit=1000",
        header="x-api-key",
        scheme="",
        more=(("anthropic-version", "2023-06-01"),),
        keys_page="https://platform.claude.com/settings/keys",
    ),
    "deepgram": Account(
        "Deepgram",
        "https://api.deepgram.com",
        trial="/v1/auth/token",
        scheme="Token ",
        keys_page="https://console.deepgram.com/",
    ),
    "elevenlabs": Account(
        "ElevenLabs",
        "https://api.elevenlabs.io",
        trial="/v1/models",
        header="xi-api-key",
        scheme="",
        keys_page="https://elevenlabs.io/app/settings/api-keys",
    ),
}


def account_of(kind: Kind, name: str) -> str:
    """The account whose key a provider takes; empty where it takes none."""
    entry = TABLE[kind][name]
    return (entry.account or name) if entry.capabilities.needs_key else ""


def accounts() -> dict[str, Account]:
    """Every account whose key some provider takes, by name, in the table's order."""
    found: dict[str, Account] = {}
    for kind, row in TABLE.items():
        for name, entry in row.items():
            if account := account_of(kind, name):
                found.setdefault(account, ACCOUNTS.get(account, Account(entry.label)))
    return found
