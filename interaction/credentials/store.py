"""What a person reaches providers with: keys and endpoints of their own, then the server's."""

from __future__ import annotations

import logging
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from pydantic import SecretStr
from redis.exceptions import RedisError

from interaction import encryption
from interaction.bus import redis_keys, short_lived_redis
from interaction.bus.redis_client import get_redis, retry_while_down
from interaction.models import Endpoint, ProviderCredential
from interaction.providers import registry
from interaction.providers.declaration import EnvVar
from interaction.providers.endpoints import ENDPOINT_PREFIX, NamedEndpoint

logger = logging.getLogger(__name__)

MOST_CACHED = 1_000
"""People whose credentials a process remembers, the latest ones."""
VERSION_LIFETIME = 24 * 3600
"""Seconds."""


class NoAccess(Exception):
    """``message`` says to the person what is missing and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Access:
    """An address and the key for it."""

    base_url: str
    """Empty where the provider's own is meant."""
    api_key: str = field(repr=False)
    whose: Literal["own", "server", "nobody"]
    """Whose key it is; ``nobody``: there is none, and none is needed."""


@dataclass(frozen=True, slots=True)
class ReachableEndpoint:
    """An endpoint as a person can use it: their own, or the server's."""

    name: str
    """As a provider: ``endpoint:home``."""
    base_url: str
    models: Mapping[str, tuple[str, ...]]
    """Models by the stage that they serve; it serves no other stage."""
    voices: tuple[str, ...]
    sample_rate: int
    """Rate of its speech, Hz."""
    row: Endpoint | NamedEndpoint = field(repr=False)

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.name.removeprefix(ENDPOINT_PREFIX)

    def access(self) -> Access:
        """Raises ``NoAccess``. The server's own key never goes to an address that it is not for."""
        if isinstance(self.row, NamedEndpoint):
            return Access(self.base_url, self.row.api_key.get_secret_value(), "server")
        return Access(self.base_url, _decrypted_key(self.row), "own")


@dataclass(frozen=True, slots=True)
class Credentials:
    """One person's rows, as they were when they were read; their keys are still encrypted."""

    keys: Mapping[str, ProviderCredential] = field(default_factory=dict)
    """Keys by account."""
    own_endpoints: tuple[Endpoint, ...] = ()

    def access(self, account: str) -> Access:
        """Raises ``NoAccess``; ``KeyError`` where there is no such account."""
        declared = registry.current().account(account)
        base_url = str(server_setting(declared.base_url_variable))
        if row := self.keys.get(account):
            return Access(base_url, _decrypted_key(row), "own")
        if key := str(server_setting(declared.api_key_variable)):
            return Access(base_url, key, "server")
        if not declared.requires_key_at(base_url):
            return Access(base_url, "", "nobody")
        raise NoAccess(_("It needs a key: add yours under Keys."))

    def has_key(self, account: str) -> bool:
        """Whether the person or the server has a key, readable or not."""
        declared = registry.current().account(account)
        return account in self.keys or bool(server_setting(declared.api_key_variable))

    def endpoints(self) -> dict[str, ReachableEndpoint]:
        """By provider name; a person's own one goes before the server's of the same name."""
        found = [_of_server(one) for one in settings.ENV.parley_endpoints]
        found += [_of_person(row) for row in self.own_endpoints]
        return {one.name: one for one in found}


def server_setting(variable: EnvVar | None) -> str | int:
    """What the server's environment says for a variable that a provider declares; its default
    where it says nothing."""
    if variable is None:
        return ""
    value = getattr(settings.ENV, variable.field, variable.default)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def credentials_of(owner_id: int | None) -> Credentials:
    """From the database."""
    if owner_id is None:
        return Credentials()
    keys = ProviderCredential.objects.filter(owner_id=owner_id)
    own = Endpoint.objects.filter(owner_id=owner_id)
    return Credentials({row.account: row for row in keys}, tuple(own))


_cache: OrderedDict[int, tuple[Any, Credentials]] = OrderedDict()
"""Credentials by owner, each with the version that it was read at; the latest used one last."""


async def cached_credentials(owner_id: int) -> Credentials:
    """The same from memory, as long as nothing has changed, for stages in a hurry.

    A version in Redis says so: it is another one after every change, and gone with Redis's memory.
    """
    store = get_redis()
    key = redis_keys.credentials_version(owner_id)
    version = await retry_while_down(lambda: store.get(key))
    if version is None:
        await store.set(key, uuid.uuid4().bytes, ex=VERSION_LIFETIME, nx=True)
        version = await store.get(key)
    cached = _cache.get(owner_id)
    if cached is None or cached[0] != version:
        read = database_sync_to_async(credentials_of, thread_sensitive=False)
        cached = _cache[owner_id] = (version, await read(owner_id))
    _cache.move_to_end(owner_id)
    while len(_cache) > MOST_CACHED:
        _cache.popitem(last=False)
    return cached[1]


def credentials_changed(owner_id: int) -> None:
    """Have every process read this person's credentials anew, once the change is committed."""
    transaction.on_commit(partial(_renew_version, owner_id))


def _renew_version(owner_id: int) -> None:
    try:
        with short_lived_redis.connect() as store:
            version = uuid.uuid4().bytes
            store.set(redis_keys.credentials_version(owner_id), version, ex=VERSION_LIFETIME)
            # What failed with the old key deserves to be tried first again.
            for key in store.scan_iter(redis_keys.provider_health(owner_id, "*"), count=1_000):
                store.delete(key)
    except RedisError:
        # Nobody talks without Redis, and a new one has no versions.
        logger.warning("a changed key did not reach redis", extra={"part": "redis"})


def _decrypted_key(row: ProviderCredential | Endpoint) -> str:
    try:
        return row.key
    except encryption.Undecryptable:
        raise NoAccess(
            _(
                "The stored key cannot be decrypted: this server's PARLEY_CREDENTIALS_KEY is not "
                "the one it was stored with. Add the key again."
            )
        ) from None


def _of_person(row: Endpoint) -> ReachableEndpoint:
    return ReachableEndpoint(
        name=ENDPOINT_PREFIX + row.name,
        base_url=row.base_url,
        models={kind: tuple(names) for kind, names in row.models_by_kind.items()},
        voices=tuple(row.voices),
        sample_rate=row.sample_rate,
        row=row,
    )


def _of_server(one: NamedEndpoint) -> ReachableEndpoint:
    return ReachableEndpoint(
        name=ENDPOINT_PREFIX + one.name,
        base_url=one.base_url,
        models={kind: names for kind, names in one.models.items() if names},
        voices=one.voices,
        sample_rate=one.sample_rate,
        row=one,
    )
