"""Who may open a socket of Parley's own protocol: a program with a token, or a signed-in person on
one of our own pages."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast
from urllib.parse import urlsplit

from channels.auth import get_user
from channels.db import database_sync_to_async
from django.conf import settings
from django.http import parse_cookie
from django.http.request import validate_host
from django.utils.translation import gettext as _

from interaction.edges.auth import AuthRefused, SocketAuth
from interaction.edges.close_codes import CloseCode
from interaction.edges.parley.messages import Error
from interaction.models import ApiToken


class ParleyAuth(SocketAuth):
    async def authenticate(self, scope: dict[str, Any]) -> dict[str, Any]:
        headers = {name: value.decode("latin1") for name, value in scope["headers"]}
        scheme, _space, token = headers.get(b"authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            user = await database_sync_to_async(ApiToken.owner_of)(token.strip())
        elif not _is_same_origin(headers.get(b"origin", ""), headers.get(b"host", "")):
            raise AuthRefused(
                CloseCode.BAD_ORIGIN,
                "bad_origin",
                _("This page is not served by this server. Programs must send a Bearer token."),
            )
        else:
            user = await _signed_in_user(headers.get(b"cookie", ""))
        if user is None or not user.is_authenticated:
            raise AuthRefused(
                CloseCode.UNAUTHENTICATED,
                "unauthenticated",
                _("Sign in, or send a valid Bearer token."),
            )
        return {"user": user}

    def encode_refusal(self, refusal: AuthRefused) -> str:
        error = Error(code=refusal.code, message=refusal.message, retryable=False)
        return error.model_dump_json()


def _is_same_origin(origin: str, host: str) -> bool:
    """Whether a page of ours opened the socket: its host and port are those it connects to."""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    page = urlsplit(origin)
    if page.scheme not in ("http", "https") or not page.hostname:
        return False
    name = f"[{page.hostname}]" if ":" in page.hostname else page.hostname
    return page.netloc.lower() == host.lower() and validate_host(name, settings.ALLOWED_HOSTS)


async def _signed_in_user(cookies: str) -> Any:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    return await cast("Any", get_user)({"session": store(key)})
