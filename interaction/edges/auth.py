"""Who may open a socket: a program with a token, or a signed-in person on one of our own pages.

Refusals are accepted first and then closed with a code and a reason: a browser's script cannot
read the HTTP status of a handshake that failed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast
from urllib.parse import urlsplit

from asgiref.sync import ThreadSensitiveContext
from channels.auth import get_user
from channels.db import database_sync_to_async
from django.conf import settings
from django.http import parse_cookie
from django.http.request import validate_host
from django.utils.translation import gettext as _

from interaction.edges.parley.messages import Error
from interaction.models import ApiToken

UNAUTHENTICATED = 4401
BAD_ORIGIN = 4403


class AuthRefused(Exception):
    def __init__(self, close_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.error = Error(code=code, message=message, retryable=False)


class SocketAuth:
    """Wraps a socket's application: finds out whose it is, and puts that into ``scope["user"]``.

    Each socket gets a thread of its own for what must not run on the event loop: with the one
    thread that all would share, one slow query would hold up every socket of the process.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext():
            try:
                user = await authenticate(scope)
            except AuthRefused as refusal:
                await _turn_away(refusal, receive, send)
            else:
                await self._app({**scope, "user": user}, receive, send)


async def authenticate(scope: dict[str, Any]) -> Any:
    """The user whose socket this is. Raises ``Refused``."""
    headers = {name: value.decode("latin1") for name, value in scope["headers"]}
    scheme, _space, token = headers.get(b"authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        user = await database_sync_to_async(ApiToken.owner_of)(token.strip())
    elif not _same_origin(headers.get(b"origin", ""), headers.get(b"host", "")):
        raise AuthRefused(
            BAD_ORIGIN,
            "bad_origin",
            _("This page is not served by this server. Programs must send a Bearer token."),
        )
    else:
        user = await _signed_in(headers.get(b"cookie", ""))
    if user is None or not user.is_authenticated:
        raise AuthRefused(
            UNAUTHENTICATED, "unauthenticated", _("Sign in, or send a valid Bearer token.")
        )
    return user


def _same_origin(origin: str, host: str) -> bool:
    """Whether a page of ours opened the socket: its host and port are those it connects to."""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    page = urlsplit(origin)
    if page.scheme not in ("http", "https") or not page.hostname:
        return False
    name = f"[{page.hostname}]" if ":" in page.hostname else page.hostname
    return page.netloc.lower() == host.lower() and validate_host(name, settings.ALLOWED_HOSTS)


async def _signed_in(cookies: str) -> Any:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    return await cast("Any", get_user)({"session": store(key)})


async def _turn_away(refusal: AuthRefused, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": refusal.error.model_dump_json()})
    await send(
        {"type": "websocket.close", "code": refusal.close_code, "reason": refusal.error.code}
    )


async def reject_unknown_path(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """No socket lives at this address: the handshake is refused."""
    await receive()
    await send({"type": "websocket.close"})
