"""What went wrong with a provider, in the project's own errors."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import TypeVar

import httpx2

from interaction.providers.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnauthorized,
    ProviderUnavailable,
)

E = TypeVar("E", bound=ProviderError)

SAFE_WORD = re.compile(r"[a-z0-9_]{3,40}")
"""What of a server's own words may be shown: an error's code, never its message."""
NO_KEY_OR_MONEY = frozenset({
    "insufficient_quota", "invalid_api_key", "account_deactivated",  # OpenAI
    "authentication_error", "permission_error", "billing_error",  # Anthropic
    "api_key_invalid", "permission_denied", "unauthenticated",  # Google
    "quota_exceeded", "missing_permissions", "payment_required",  # ElevenLabs
    "invalid_auth", "asr_payment_required", "insufficient_permissions",  # Deepgram
})  # fmt: skip
TOO_MANY = frozenset({
    "rate_limit_exceeded", "rate_limit_error", "resource_exhausted", "too_many_requests",
    "concurrent_limit_exceeded", "too_many_concurrent_requests",
})  # fmt: skip
REFUSED = frozenset({
    "invalid_request_error", "not_found_error", "request_too_large", "invalid_argument",
    "not_found", "model_not_found", "content_policy_violation",
})  # fmt: skip


class Blame:
    """Turns whatever goes wrong with a request into an error of ``errors.py``.

    Their messages hold nothing that the server wrote but a code: it may quote what was said, or
    the key. A provider whose library has errors of its own adds them in ``translate``.
    """

    def __init__(self, stage: str, provider: str) -> None:
        self.stage = stage
        self.provider = provider

    @contextlib.contextmanager
    def __call__(self, *, begun: bool) -> Iterator[None]:
        """``begun``: the answer has begun, so what is lost now is its rest."""
        try:
            yield
        except ProviderError:
            raise
        except Exception as error:
            if translated := self.translate(error, begun=begun):
                raise translated from None
            raise

    def translate(self, error: Exception, *, begun: bool) -> ProviderError | None:
        """The error that this one means; None where it is a bug of ours."""
        match error:
            case TimeoutError() | httpx2.TimeoutException():
                return self.timeout()
            case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
                return self.protocol("has an address that is none")
            case OSError() | httpx2.TransportError():
                return self.lost(begun=begun)
            case json.JSONDecodeError() | UnicodeDecodeError() | httpx2.HTTPError():
                return self.nonsense()
        return None

    def status(self, status: int, word: str = "", retry_after: str = "") -> ProviderError:
        """What an HTTP answer other than a success means. ``word``: the server's own code."""
        word = _safe(word)
        said = f"({status}{', ' + word if word else ''})"
        if status in (401, 402, 403) or word in NO_KEY_OR_MONEY:
            return self.unauthorized(said)
        if status == 429:
            return self.limited(retry_after)
        if status >= 500:
            return self.error(ProviderUnavailable, f"has a problem of its own {said}")
        if status >= 400:
            return self.error(ProviderRefused, f"refused the request {said}")
        return self.nonsense(said)

    def told(self, word: str) -> ProviderError:
        """What an error that came inside a stream means."""
        word = _safe(word)
        said = f"({word})" if word else ""
        if word in NO_KEY_OR_MONEY:
            return self.unauthorized(said)
        if word in TOO_MANY:
            return self.limited()
        if word in REFUSED:
            return self.error(ProviderRefused, f"refused the request {said}")
        return self.error(ProviderUnavailable, f"gave up {said}".rstrip())

    def timeout(self) -> ProviderTimeout:
        return self.error(ProviderTimeout, "took too long to answer")

    def lost(self, *, begun: bool) -> ProviderError:
        """The connection broke, or there never was one."""
        return self.cut() if begun else self.error(ProviderUnavailable, "cannot be reached")

    def cut(self) -> ProviderProtocolError:
        return self.protocol("broke off in the middle of its answer")

    def nonsense(self, said: str = "") -> ProviderProtocolError:
        return self.protocol(f"gave an answer that cannot be understood {said}".rstrip())

    def refused(self, why: str) -> ProviderRefused:
        return self.error(ProviderRefused, why)

    def protocol(self, what: str) -> ProviderProtocolError:
        return self.error(ProviderProtocolError, what)

    def unauthorized(self, said: str) -> ProviderUnauthorized:
        what = f"did not accept the key or has no quota {said}".rstrip()
        return self.error(ProviderUnauthorized, what)

    def limited(self, retry_after: str = "") -> ProviderRateLimited:
        """``retry_after``: a header's value; seconds are understood."""
        return ProviderRateLimited(
            f"{self.provider} has had too many requests.",
            stage=self.stage,
            provider=self.provider,
            retry_after=_seconds(retry_after),
        )

    def error(self, kind: type[E], what: str) -> E:
        return kind(f"{self.provider} {what}.", stage=self.stage, provider=self.provider)


def _safe(word: str) -> str:
    word = word.lower()
    return word if SAFE_WORD.fullmatch(word) else ""


def _seconds(header: str) -> float | None:
    try:
        return max(0.0, float(header))
    except ValueError:
        return None
