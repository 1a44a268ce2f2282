"""The commands of manage.py that make users, links and tokens."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from interaction.models import ApiToken, SignInLink


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue().strip()


@pytest.mark.django_db
def test_seeding_makes_an_owner_without_a_password() -> None:
    assert "owner" in run("seed")
    user = get_user_model().objects.get()
    assert user.is_superuser
    assert not user.has_usable_password()


@pytest.mark.django_db
def test_seeding_again_changes_nothing() -> None:
    run("seed")
    assert run("seed") == ""
    assert get_user_model().objects.count() == 1


def test_a_sign_in_link_is_the_owners_unless_it_is_told_otherwise(owner: Any) -> None:
    guest = get_user_model().objects.create_user("guest")
    assert SignInLink.redeem(run("sign_in_link").split("#")[1]) == owner
    assert SignInLink.redeem(run("sign_in_link", "guest").split("#")[1]) == guest


def test_an_api_token_is_kept_as_a_hash(owner: Any) -> None:
    token = run("api_token", "owner")
    assert ApiToken.owner_of(token) == owner
    row = ApiToken.objects.get()
    assert token not in (row.hashed, row.hint)


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["sign_in_link", "api_token"])
def test_an_unknown_user_is_told_with_a_way_out(command: str) -> None:
    with pytest.raises(CommandError, match=r"no active user nobody.*seed"):
        run(command, "nobody")
