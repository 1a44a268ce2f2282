"""Keys at rest: made once, changed with care, and a wrong one is said clearly."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from interaction import encryption
from interaction.credentials.provider_selection import provider_options
from interaction.models import Endpoint, ProviderCredential
from voiceproject.secret import credentials_key

KEY = "sk-live-0123456789abcdefWXYZ"


def kept(owner: User) -> ProviderCredential:
    ProviderCredential.store(owner, "anthropic", KEY)
    endpoint = Endpoint(owner=owner, name="home", base_url="http://home/v1", llm_models=["m"])
    endpoint.keep(KEY)
    endpoint.save()
    return ProviderCredential.objects.get()


def found() -> list[str | None]:
    messages = run_checks(databases=["default"])
    return [message.id for message in messages if (message.id or "").startswith("parley.")]


def reasons(owner: User) -> dict[str, str]:
    return {option.name: option.reason for option in provider_options(owner.pk)["llm"]}


def test_the_first_start_makes_a_key_that_is_the_owners_alone(tmp_path: Path) -> None:
    key = credentials_key(tmp_path)
    assert credentials_key(tmp_path) == key
    Fernet(key)
    assert stat.S_IMODE((tmp_path / "credentials_key").stat().st_mode) == 0o600


def test_what_is_kept_is_not_what_was_typed(owner: User) -> None:
    row = kept(owner)
    assert KEY not in row.sealed
    assert row.key == KEY
    assert KEY not in repr(row)


def test_the_same_key_twice_does_not_look_the_same(owner: User) -> None:
    assert encryption.encrypt(KEY) != encryption.encrypt(KEY)


def test_a_wrong_key_is_told_to_the_person_and_to_whoever_checks(
    owner: User, settings: Any
) -> None:
    kept(owner)
    assert found() == []
    settings.CREDENTIALS_KEYS = [Fernet.generate_key().decode()]
    assert found() == ["parley.W003"]
    for name in ("anthropic", "endpoint:home"):
        assert "PARLEY_CREDENTIALS_KEY is not the one it was stored with" in reasons(owner)[name]
        assert "needs a key" in reasons(owner)["gemini"]


def test_what_is_no_key_at_all_is_told_too(owner: User, settings: Any) -> None:
    kept(owner)
    settings.CREDENTIALS_KEYS = ["correct horse battery staple"]
    assert "parley.E007" in found()
    assert "cannot be decrypted" in reasons(owner)["anthropic"]


def test_a_new_key_takes_over_from_the_old_one(owner: User, settings: Any) -> None:
    kept(owner)
    new = Fernet.generate_key().decode()
    settings.CREDENTIALS_KEYS = [new, *settings.CREDENTIALS_KEYS]
    assert reasons(owner)["anthropic"] == ""
    call_command("reseal", verbosity=0)
    settings.CREDENTIALS_KEYS = [new]
    assert {row.key for row in (*ProviderCredential.objects.all(), *Endpoint.objects.all())} == {
        KEY
    }


def test_what_cannot_be_encrypted_anew_is_counted_and_kept(owner: User, settings: Any) -> None:
    row = kept(owner)
    settings.CREDENTIALS_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="opens: 2"):
        call_command("reseal", verbosity=0)
    assert ProviderCredential.objects.get().sealed == row.sealed
