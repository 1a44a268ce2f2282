"""This server as a realtime provider: a session's connection to its own ``/v1/realtime``."""

from __future__ import annotations

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils.translation import gettext as _
from redis import RedisError

from interaction.core.types import ProviderSelection
from interaction.credentials import client_secrets
from interaction.credentials.client_secrets import Grant
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderUnavailable
from interaction.providers.parley import OURSELVES

ALL_INTERFACES = ("0.0.0.0", "::", "")
"""Values of ``PARLEY_HOST`` for which the server is reached on the loopback address."""


async def self_provider_config(choice: ProviderSelection, owner_id: int) -> ProviderConfig:
    """How to reach this server's ``/v1/realtime`` as ``owner_id``, with a key made for that.

    The session there is not archived: the one that it is the provider of is. Raises
    ``ProviderUnavailable`` where Redis, which holds the key, does not answer.
    """
    mint = database_sync_to_async(client_secrets.mint, thread_sensitive=False)
    try:
        key, _expires_at = await mint(Grant(owner_id, inner=True), client_secrets.LONGEST)
    except RedisError:
        message = _("Redis does not answer. Check that it runs, then try again.")
        raise ProviderUnavailable(message, stage="realtime", provider=OURSELVES) from None
    env = settings.ENV
    host = "127.0.0.1" if env.parley_host in ALL_INTERFACES else env.parley_host
    address = f"http://{host}:{env.port}/v1"
    return ProviderConfig(
        OURSELVES, choice.model, "", choice.language, base_url=address, api_key=key
    )
