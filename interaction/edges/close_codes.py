"""Why the server closes a socket: the close codes of every edge, in one table."""

from __future__ import annotations

from enum import IntEnum


class CloseCode(IntEnum):
    """OpenAI's clients connect again by themselves after 1001, 1011 and 1013, not after 4xxx."""

    GOING_AWAY = 1001
    """The socket has been open for as long as it may."""
    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013
    """Redis or the workers are away."""
    REFUSED = 4400
    """The session cannot be made as it is asked for."""
    UNAUTHENTICATED = 4401
    BAD_ORIGIN = 4403
    TOO_SLOW = 4408
    """The client does not read what is sent to it."""
    TOO_MUCH = 4413
    """The client sends more than may wait to be carried out."""


CLOSES = {
    "session_expired": (CloseCode.GOING_AWAY, "session_expired"),
    "client_too_slow": (CloseCode.TOO_SLOW, "too slow"),
    "engine_unavailable": (CloseCode.TRY_AGAIN_LATER, "engine_unavailable"),
    "internal_error": (CloseCode.INTERNAL_ERROR, "internal_error"),
}
"""Code and reason of the close that follows a session's end, by its end reason."""
