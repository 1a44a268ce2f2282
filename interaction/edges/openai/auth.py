"""Who may open ``/v1/realtime``: whoever shows a token of Parley's, or a client secret.

Programs send no Origin, and a cookie opens nothing here: the key alone guards it.
"""

from __future__ import annotations

import json
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from interaction.credentials import client_secrets
from interaction.credentials.client_secrets import Grant
from interaction.edges.auth import UNAUTHENTICATED
from interaction.edges.openai.errors import TRY_LATER, Event, error, new_id
from interaction.models import ApiToken

SUBPROTOCOL = "realtime"
KEY = "openai-insecure-api-key."
"""Begins the subprotocol in which browsers, which can set no header, send their key."""


class RealtimeAuth:
    """Wraps the socket's application; gives its scope ``user``, ``grant`` and ``subprotocol``."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext():
            offered = scope.get("subprotocols") or []
            chosen = SUBPROTOCOL if SUBPROTOCOL in offered else None
            try:
                user, grant = await database_sync_to_async(admit)(_key(scope, offered))
            except RedisError:
                message = _("Redis does not answer. Please try again.")
                refusal = error("redis_unavailable", message, kind="server_error")
                await _turn_away(refusal, TRY_LATER, chosen, receive, send)
                return
            if user is None:
                message = _("The key is not valid. Make one with manage.py api_token.")
                refusal = error("invalid_api_key", message)
                await _turn_away(refusal, UNAUTHENTICATED, chosen, receive, send)
            else:
                told = {"user": user, "grant": grant, "subprotocol": chosen}
                await self._app({**scope, **told}, receive, send)


def admit(key: str) -> tuple[Any, Grant | None]:
    """Whose key it is, and with a client secret what it grants; ``(None, None)`` for neither."""
    if not key.startswith(client_secrets.PREFIX):
        owner = ApiToken.owner_of(key)
        return owner, Grant(owner.pk) if owner else None
    grant = client_secrets.redeem(key)
    users = get_user_model().objects.filter(is_active=True)
    owner = users.filter(pk=grant.owner_id).first() if grant else None
    return owner, grant if owner else None


def _key(scope: dict[str, Any], offered: list[str]) -> str:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    scheme, _space, token = headers.get(b"authorization", b"").decode("latin1").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return next((name.removeprefix(KEY) for name in offered if name.startswith(KEY)), "")


async def _turn_away(
    refusal: Event, code: int, subprotocol: str | None, receive: Any, send: Any
) -> None:
    """Accepted first: a client reads the reason of a close, not that of a failed handshake."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    told = {"event_id": new_id("event"), **refusal}
    await send({"type": "websocket.send", "text": json.dumps(told)})
    reason = refusal["error"]["code"]
    await send({"type": "websocket.close", "code": code, "reason": reason})
