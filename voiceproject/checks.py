"""What ``manage.py check`` says of a misconfigured installation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from django.utils.translation import gettext as _

from interaction import sealing
from interaction.providers.accounts import OPENAI_ADDRESS, account_of
from interaction.providers.base import Kind
from interaction.providers.table import ENDPOINT, TABLE
from voiceproject import redis_server
from voiceproject.sign_in import LOOPBACK


def _registered(check: Callable[[], Iterator[CheckMessage]]) -> None:
    def run(app_configs: Any, **_: Any) -> list[CheckMessage]:
        return list(check())

    register(run, "parley")


@_registered
def a_redis_can_be_had() -> Iterator[CheckMessage]:
    url = settings.ENV.redis_url
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        yield Error(
            _("REDIS_URL must begin with redis://, rediss:// or unix://."), id="parley.E001"
        )
    if not url:
        try:
            redis_server.binary()
        except redis_server.NoRedis as error:
            yield Error(str(error), id="parley.E002")


@_registered
def the_data_folder_can_be_written() -> Iterator[CheckMessage]:
    if not os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        yield Error(
            _("The data folder %(folder)s cannot be written.") % {"folder": settings.DATA_DIR},
            hint=_("Set PARLEY_DATA_DIR to a folder of yours."),
            id="parley.E003",
        )


@_registered
def the_database_is_one_that_is_tested() -> Iterator[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"]
    if not engine.endswith((".sqlite3", ".postgresql")):
        yield Error(
            _("Parley runs on SQLite and PostgreSQL, not on %(engine)s.") % {"engine": engine},
            hint=_("Set DATABASE_URL to postgres://…, or leave it empty."),
            id="parley.E004",
        )


@_registered
def the_chosen_providers_exist_and_have_their_keys() -> Iterator[CheckMessage]:
    env = settings.ENV
    chosen: tuple[tuple[Kind, str], ...] = (
        ("stt", env.parley_stt),
        ("llm", env.parley_llm),
        ("tts", env.parley_tts),
        ("realtime", env.parley_realtime),
    )
    for kind, names in chosen:
        known = [*TABLE[kind], *(ENDPOINT + one.name for one in env.parley_endpoints)]
        for name in (word for part in names.split(",") if (word := part.strip())):
            told = {"kind": kind.upper(), "name": name, "known": ", ".join(known)}
            if name not in known:
                yield Error(
                    _("PARLEY_%(kind)s is %(name)s, which is none of: %(known)s.") % told,
                    id="parley.E005",
                )
            elif missing := _missing_key(kind, name):
                yield Error(
                    _("PARLEY_%(kind)s is %(name)s, but %(missing)s is empty.")
                    % {**told, "missing": missing},
                    id="parley.E006",
                )


def _missing_key(kind: Kind, name: str) -> str:
    """The setting that should hold the provider's key and is empty."""
    account = "" if name.startswith(ENDPOINT) else account_of(kind, name)
    env = settings.ENV
    if not account or (account == "openai" and not env.openai_base_url.startswith(OPENAI_ADDRESS)):
        return ""
    secret = getattr(env, f"{account}_api_key", None)
    return "" if secret and secret.get_secret_value() else f"{account}_api_key".upper()


@_registered
def peoples_keys_can_be_encrypted() -> Iterator[CheckMessage]:
    try:
        sealing.seal("")
    except sealing.NoKey:
        yield Error(
            _("PARLEY_CREDENTIALS_KEY holds no Fernet key: 32 random bytes in URL-safe base64."),
            hint=_("Leave it empty to have one made in the data folder."),
            id="parley.E007",
        )


@register(Tags.database)
def peoples_keys_can_be_decrypted(
    app_configs: Any, databases: Sequence[str] | None, **_kwargs: Any
) -> list[CheckMessage]:
    """Needs the database, so it is asked by ``migrate`` and by ``check --database default``."""
    from interaction.models import Endpoint, ProviderCredential

    if "default" not in (databases or ()):
        return []
    with suppress(DatabaseError):  # before the first migration
        rows = [*ProviderCredential.objects.all(), *Endpoint.objects.exclude(sealed="")]
        if lost := sum(not row.is_readable for row in rows):
            return [
                Warning(
                    _("%(lost)d of %(all)d stored keys cannot be decrypted.")
                    % {"lost": lost, "all": len(rows)},
                    hint=_(
                        "PARLEY_CREDENTIALS_KEY (or credentials_key in the data folder) is not "
                        "the one they were stored with. Put that one after the new one, with a "
                        "comma; or have people add their keys again."
                    ),
                    id="parley.W003",
                )
            ]
    return []


@_registered
def what_others_can_reach_is_safe() -> Iterator[CheckMessage]:
    if settings.ENV.parley_host in LOOPBACK:
        return
    if settings.DEBUG:
        yield Warning(
            _("DEBUG is on and others can reach this server: error pages show its insides."),
            id="parley.W001",
        )
    if not settings.ENV.https:
        yield Warning(
            _("Others can reach this server without HTTPS: browsers will deny the microphone."),
            hint=_("Put a proxy with a certificate before it and set HTTPS=true."),
            id="parley.W002",
        )
