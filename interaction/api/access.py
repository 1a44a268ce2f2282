"""Who may call: a program with a Bearer token, or a signed-in person (unsafe methods: with CSRF
token)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer, SessionAuth

from interaction.models import ApiToken


class Caller(HttpRequest):
    """A request that has been let in."""

    auth: Any
    """The user."""


class Token(HttpBearer):
    """A token that is not valid is refused, whatever cookie comes with it."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        user = ApiToken.owner_of(token)
        if user is None:
            raise AuthenticationError
        return user


class SignedIn(SessionAuth):
    """Without a session's cookie there is nothing that CSRF could abuse: a plain 401, then."""

    def __call__(self, request: HttpRequest) -> Any:
        return super().__call__(request) if self.param_name in request.COOKIES else None
