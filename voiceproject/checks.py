"""What ``manage.py check`` says of a misconfigured installation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.translation import gettext as _

from interaction.providers.base import Kind
from voiceproject import redis_server
from voiceproject.sign_in import LOOPBACK

OPENAI = "https://api.openai.com"


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
    from interaction.providers.table import TABLE

    env = settings.ENV
    chosen: tuple[tuple[Kind, str], ...] = (
        ("stt", env.parley_stt),
        ("llm", env.parley_llm),
        ("tts", env.parley_tts),
    )
    for kind, name in chosen:
        entries = TABLE[kind]
        if name and name not in entries:
            yield Error(
                _("PARLEY_%(kind)s is %(name)s, which is none of: %(known)s.")
                % {"kind": kind.upper(), "name": name, "known": ", ".join(entries)},
                id="parley.E005",
            )
        elif (
            name
            and entries[name].capabilities.needs_key
            and env.openai_base_url.startswith(OPENAI)
            and not env.openai_api_key.get_secret_value()
        ):
            yield Error(
                _("PARLEY_%(kind)s is %(name)s, but OPENAI_API_KEY is empty.")
                % {"kind": kind.upper(), "name": name},
                id="parley.E006",
            )


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
