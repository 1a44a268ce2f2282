"""What ``manage.py check`` says of a misconfigured installation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from django.utils.translation import gettext as _

from interaction import encryption
from interaction.credentials.language_support import (
    LANGUAGE_STAGES,
    language_service,
    not_served,
)
from interaction.credentials.provider_selection import serves_language
from interaction.credentials.store import Credentials, server_setting
from interaction.management.address import LOOPBACK
from interaction.providers import registry
from interaction.providers.config import KINDS, Kind
from interaction.providers.endpoints import ENDPOINT_PREFIX
from voiceproject import redis_server
from voiceproject.secret import CREDENTIALS_KEY_NAME


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
    folder: Path = settings.DATA_DIR
    while not folder.exists():  # it is made in the first of its parents that there is
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
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
def every_declared_provider_can_be_used() -> Iterator[CheckMessage]:
    messages = {
        "not_importable": _("The provider %(source)s cannot be imported: %(detail)s"),
        "not_a_provider": _("%(source)s is no Provider but a %(detail)s."),
        "malformed": _("The provider %(source)s is declared wrongly: %(detail)s."),
        "duplicate": _("The provider %(source)s has a name that is in use already: %(detail)s."),
    }
    for problem in registry.current().problems:
        facts = {"source": problem.source, "detail": problem.detail}
        yield Warning(
            messages[problem.code] % facts,
            hint=_("It is left out; all others serve as before."),
            id="parley.W004",
        )


@_registered
def every_stage_has_a_provider() -> Iterator[CheckMessage]:
    for kind in KINDS:
        if not registry.entries(kind):
            yield Error(
                _("There is no provider for %(kind)s.") % {"kind": kind.upper()},
                hint=_("PARLEY_PROVIDERS in the settings names those there are."),
                id="parley.E008",
            )


@_registered
def the_chosen_providers_exist_and_have_their_keys() -> Iterator[CheckMessage]:
    env = settings.ENV
    for kind in KINDS:
        endpoints = (ENDPOINT_PREFIX + one.name for one in env.parley_endpoints)
        known = [*registry.entries(kind), *endpoints]
        names = getattr(env, f"parley_{kind}")
        for name in (word for part in names.split(",") if (word := part.strip())):
            facts = {"kind": kind.upper(), "name": name, "known": ", ".join(known)}
            if name not in known:
                yield Error(
                    _("PARLEY_%(kind)s is %(name)s, which is none of: %(known)s.") % facts,
                    id="parley.E005",
                )
            elif missing := _missing_key(kind, name):
                yield Error(
                    _("PARLEY_%(kind)s is %(name)s, but %(missing)s is empty.")
                    % {**facts, "missing": missing},
                    id="parley.E006",
                )


@_registered
def the_default_language_is_served() -> Iterator[CheckMessage]:
    """By what serves where a person has chosen nothing and has no key of their own."""
    language = settings.ENV.parley_language
    for kind in LANGUAGE_STAGES:
        nobody = Credentials()
        try:
            service = language_service(kind, language, nobody)
        except KeyError:
            continue  # there is no such provider, or none at all: other checks say so
        names = [service.default, *service.steps_in]
        if not any(serves_language(kind, name, language) for name in names):
            yield Warning(
                _("PARLEY_LANGUAGE is %(language)s. %(problem)s")
                % {
                    "language": language,
                    "problem": not_served(kind, names, language, Credentials()),
                },
                hint=_("Set PARLEY_%(kind)s to a provider that does, or PARLEY_LANGUAGE.")
                % {"kind": kind.upper()},
                id="parley.W005",
            )


def _missing_key(kind: Kind, name: str) -> str:
    """The variable that should hold the provider's key and is empty."""
    if name.startswith(ENDPOINT_PREFIX) or not (named := registry.account_of(kind, name)):
        return ""
    account = registry.current().account(named)
    base_url = str(server_setting(account.base_url_variable))
    variable = account.api_key_variable
    if variable is None or server_setting(variable) or not account.requires_key_at(base_url):
        return ""
    return variable.name


@_registered
def peoples_keys_can_be_encrypted() -> Iterator[CheckMessage]:
    given = settings.ENV.parley_credentials_key.get_secret_value()
    if not given and not (settings.DATA_DIR / CREDENTIALS_KEY_NAME).exists():
        return  # it is made when it is first needed
    try:
        encryption.encrypt("")
    except encryption.NoEncryptionKey:
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
