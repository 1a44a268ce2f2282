"""Who may open ``/v1/realtime``: whoever shows a token of Parley's, or a client secret.

Programs send no Origin, and a cookie opens nothing here: the key alone guards it.
"""

from __future__ import annotations

import json
from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from interaction.credentials import client_secrets
from interaction.credentials.client_secrets import Grant
from interaction.edges.auth import AuthRefused, SocketAuth
from interaction.edges.close_codes import CloseCode
from interaction.edges.openai.errors import error, new_id
from interaction.models import ApiToken

SUBPROTOCOL = "realtime"
KEY_PREFIX = "openai-insecure-api-key."
"""Begins the subprotocol in which browsers, which can set no header, send their key."""


class RealtimeAuth(SocketAuth):
    """Adds ``user`` and ``grant`` to the scope."""

    async def authenticate(self, scope: dict[str, Any]) -> dict[str, Any]:
        try:
            user, grant = await database_sync_to_async(owner_of_key)(_key(scope))
        except RedisError:
            raise AuthRefused(
                CloseCode.TRY_AGAIN_LATER,
                "redis_unavailable",
                _("Redis does not answer. Please try again."),
            ) from None
        if user is None:
            raise AuthRefused(
                CloseCode.UNAUTHENTICATED,
                "invalid_api_key",
                _("The key is not valid. Make one with manage.py api_token."),
            )
        return {"user": user, "grant": grant}

    def encode_refusal(self, refusal: AuthRefused) -> str:
        is_server_error = refusal.close_code == CloseCode.TRY_AGAIN_LATER
        kind = "server_error" if is_server_error else "invalid_request_error"
        event = error(refusal.code, refusal.message, kind=kind)
        return json.dumps({"event_id": new_id("event"), **event})

    def subprotocol(self, scope: dict[str, Any]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in (scope.get("subprotocols") or ()) else None


def owner_of_key(key: str) -> tuple[Any, Grant | None]:
    """Whose key it is, and with a client secret what it grants; ``(None, None)`` for neither."""
    if not key.startswith(client_secrets.PREFIX):
        owner = ApiToken.owner_of(key)
        return owner, Grant(owner.pk) if owner else None
    grant = client_secrets.redeem(key)
    users = get_user_model().objects.filter(is_active=True)
    owner = users.filter(pk=grant.owner_id).first() if grant else None
    return owner, grant if owner else None


def _key(scope: dict[str, Any]) -> str:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    scheme, _space, token = headers.get(b"authorization", b"").decode("latin1").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    offered = scope.get("subprotocols") or ()
    return next(
        (name.removeprefix(KEY_PREFIX) for name in offered if name.startswith(KEY_PREFIX)), ""
    )
