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
from redis.exceptions import RedisError

from interaction import sealing
from interaction.bus import redis_keys
from interaction.bus.redis_client import get_redis, retry_while_down
from interaction.models import Endpoint, ProviderCredential
from interaction.providers.accounts import OPENAI_ADDRESS
from interaction.providers.table import ENDPOINT
from voiceproject import redis_client
from voiceproject.environment import NamedEndpoint

logger = logging.getLogger(__name__)

MOST_KEPT = 1_000
"""People whose holdings a process remembers, the latest ones."""
STAMP_LIFETIME = 24 * 3600


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


@dataclass(frozen=True, slots=True)
class Reachable:
    """A named endpoint, a person's or the server's."""

    name: str
    """As a provider: ``endpoint:home``."""
    base_url: str
    models: Mapping[str, tuple[str, ...]]
    """By kind; it serves those that are here."""
    voices: tuple[str, ...]
    sample_rate: int
    row: Endpoint | NamedEndpoint = field(repr=False)

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.name.removeprefix(ENDPOINT)

    def access(self) -> Access:
        """Raises ``NoAccess``. The server's own key never goes to an address that it is not for."""
        if isinstance(self.row, NamedEndpoint):
            return Access(self.base_url, self.row.api_key.get_secret_value(), "server")
        return Access(self.base_url, _opened(self.row), "own")


@dataclass(frozen=True, slots=True)
class Holdings:
    """Rows of one person, as they were when they were read; their keys are still encrypted."""

    keys: Mapping[str, ProviderCredential] = field(default_factory=dict)
    """By account."""
    own: tuple[Endpoint, ...] = ()

    def access(self, account: str) -> Access:
        """Raises ``NoAccess``."""
        env = settings.ENV
        base_url = str(getattr(env, f"{account}_base_url", ""))
        if row := self.keys.get(account):
            return Access(base_url, _opened(row), "own")
        secret = getattr(env, f"{account}_api_key", None)
        if key := secret.get_secret_value() if secret else "":
            return Access(base_url, key, "server")
        if account == "openai" and not base_url.startswith(OPENAI_ADDRESS):
            return Access(base_url, "", "nobody")  # servers at home want none
        raise NoAccess(_("It needs a key: add yours under Keys."))

    def endpoints(self) -> dict[str, Reachable]:
        """By provider name; a person's own one goes before the server's of the same name."""
        found = [_of_server(one) for one in settings.ENV.parley_endpoints]
        found += [_of_person(row) for row in self.own]
        return {one.name: one for one in found}


def holdings(owner_id: int | None) -> Holdings:
    """From the database."""
    if owner_id is None:
        return Holdings()
    keys = ProviderCredential.objects.filter(owner_id=owner_id)
    own = Endpoint.objects.filter(owner_id=owner_id)
    return Holdings({row.account: row for row in keys}, tuple(own))


_remembered: OrderedDict[int, tuple[Any, Holdings]] = OrderedDict()


async def remembered(owner_id: int) -> Holdings:
    """The same for whoever is in a hurry: from memory, as long as nothing has changed.

    A stamp in Redis says so: it is another one after every change, and gone with Redis's memory.
    """
    store = get_redis()
    name = redis_keys.credentials_stamp(owner_id)
    stamp = await retry_while_down(lambda: store.get(name))
    if stamp is None:
        await store.set(name, uuid.uuid4().bytes, ex=STAMP_LIFETIME, nx=True)
        stamp = await store.get(name)
    kept = _remembered.get(owner_id)
    if kept is None or kept[0] != stamp:
        read = database_sync_to_async(holdings, thread_sensitive=False)
        kept = _remembered[owner_id] = (stamp, await read(owner_id))
    _remembered.move_to_end(owner_id)
    while len(_remembered) > MOST_KEPT:
        _remembered.popitem(last=False)
    return kept[1]


def changed(owner_id: int) -> None:
    """Have every process read anew what this person has, once the change is committed."""
    transaction.on_commit(partial(_stamp_anew, owner_id))


def _stamp_anew(owner_id: int) -> None:
    try:
        with redis_client.connect() as store:
            store.set(redis_keys.credentials_stamp(owner_id), uuid.uuid4().bytes, ex=STAMP_LIFETIME)
            # What failed with the old key deserves to be tried first again.
            for name in store.scan_iter(redis_keys.provider_health(owner_id, "*"), count=1_000):
                store.delete(name)
    except RedisError:
        # Nobody talks without Redis, and a new one has no stamps.
        logger.warning("redis was not told of a changed key", extra={"part": "redis"})


def _opened(row: ProviderCredential | Endpoint) -> str:
    try:
        return row.key
    except sealing.Unreadable:
        raise NoAccess(
            _(
                "The stored key cannot be decrypted: this server's PARLEY_CREDENTIALS_KEY is not "
                "the one it was stored with. Add the key again."
            )
        ) from None


def _of_person(row: Endpoint) -> Reachable:
    return Reachable(
        name=ENDPOINT + row.name,
        base_url=row.base_url,
        models={kind: tuple(names) for kind, names in row.models_by_kind.items()},
        voices=tuple(row.voices),
        sample_rate=row.sample_rate,
        row=row,
    )


def _of_server(one: NamedEndpoint) -> Reachable:
    return Reachable(
        name=ENDPOINT + one.name,
        base_url=one.base_url,
        models={kind: names for kind, names in one.models.items() if names},
        voices=one.voices,
        sample_rate=one.sample_rate,
        row=one,
    )
