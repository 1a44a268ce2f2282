"""Parley as its own realtime provider: its ``/v1/realtime``, with a key for this person alone."""

from __future__ import annotations

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils.translation import gettext as _
from redis import RedisError

from interaction.credentials import client_secrets
from interaction.credentials.client_secrets import Grant
from interaction.providers.config import ProviderChoice, ProviderConfig
from interaction.providers.errors import ProviderUnavailable
from interaction.providers.parley import OURSELVES

ANYWHERE = ("0.0.0.0", "::", "")


async def config_of_ourselves(choice: ProviderChoice, owner_id: int, host: str) -> ProviderConfig:
    """How to reach this server as ``owner_id``. Its session is kept nowhere: the outer one is.

    Raises ``ProviderError``.
    """
    mint = database_sync_to_async(client_secrets.mint, thread_sensitive=False)
    try:
        key, _expires_at = await mint(Grant(owner_id, inner=True), client_secrets.LONGEST)
    except RedisError:
        message = _("Redis does not answer. Check that it runs, then try again.")
        raise ProviderUnavailable(message, stage="realtime", provider=OURSELVES) from None
    host = "127.0.0.1" if host in ANYWHERE else host
    address = f"http://{host}:{settings.ENV.port}/v1"
    return ProviderConfig(
        OURSELVES, choice.model, "", choice.language, base_url=address, api_key=key
    )
