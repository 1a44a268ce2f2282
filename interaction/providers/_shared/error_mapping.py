"""Turns what went wrong with a provider into the project's own errors."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import ClassVar, TypeVar

import httpx2

from interaction.providers.declaration import ErrorWords
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

SAFE_CODE = re.compile(r"[a-z0-9_]{3,40}")
"""What of a server's own words may be shown: an error's code, never its message."""
COMMON_WORDS = ErrorWords(
    no_key_or_quota=frozenset(
        {
            *("authentication_error", "insufficient_quota", "invalid_api_key"),
            *("payment_required", "permission_denied", "permission_error", "unauthenticated"),
        }
    ),
    rate_limited=frozenset(
        {
            *("rate_limit_error", "rate_limit_exceeded", "resource_exhausted"),
            "too_many_requests",
        }
    ),
    refused=frozenset(
        {
            *("invalid_argument", "invalid_request_error", "model_not_found"),
            *("not_found", "not_found_error"),
        }
    ),
)
"""Codes that servers of several makes use, OpenAI's, Anthropic's and Google's first of all; those
of one vendor alone are in its declaration."""


class ErrorMapping:
    """Turns whatever goes wrong with a request into an error of ``errors.py``.

    Used as a context manager around what may fail: ``with errors(answer_started=False): …``. The
    messages hold nothing that the server wrote but a code: it may quote what was said, or the key.
    A provider whose library has errors of its own adds them in ``translate``.
    """

    words: ClassVar[ErrorWords] = ErrorWords()
    """The vendor's own codes, beside the common ones."""

    def __init__(self, stage: str, provider: str) -> None:
        self.stage = stage
        self.provider = provider

    @contextlib.contextmanager
    def __call__(self, *, answer_started: bool) -> Iterator[None]:
        """``answer_started``: what is lost now is the rest of an answer."""
        try:
            yield
        except ProviderError:
            raise
        except Exception as error:
            if translated := self.translate(error, answer_started=answer_started):
                raise translated from None
            raise

    def translate(self, error: Exception, *, answer_started: bool) -> ProviderError | None:
        """The error that this one means; None where it is a bug of ours."""
        match error:
            case TimeoutError() | httpx2.TimeoutException():
                return self.timeout()
            case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
                return self.protocol_error("has an address that is none")
            case OSError() | httpx2.TransportError():
                return self.connection_lost(answer_started=answer_started)
            case json.JSONDecodeError() | UnicodeDecodeError() | httpx2.HTTPError():
                return self.unintelligible()
        return None

    def http_status(self, status: int, code: str = "", retry_after: str = "") -> ProviderError:
        """What an HTTP answer other than a success means. ``code``: the server's own."""
        code = _safe(code)
        shown = f"({status}{', ' + code if code else ''})"
        if status in (401, 402, 403) or self._is(code, "no_key_or_quota"):
            return self.unauthorized(shown)
        if status == 429:
            return self.rate_limited(retry_after)
        if status >= 500:
            return self.error(ProviderUnavailable, f"has a problem of its own {shown}")
        if status >= 400:
            return self.error(ProviderRefused, f"refused the request {shown}")
        return self.unintelligible(shown)

    def error_code(self, code: str) -> ProviderError:
        """What an error means that came inside an answer, without an HTTP status of its own."""
        code = _safe(code)
        if re.fullmatch("[45][0-9][0-9]", code):
            return self.http_status(int(code))
        shown = f"({code})" if code else ""
        if self._is(code, "no_key_or_quota"):
            return self.unauthorized(shown)
        if self._is(code, "rate_limited"):
            return self.rate_limited()
        if self._is(code, "refused"):
            return self.error(ProviderRefused, f"refused the request {shown}")
        return self.error(ProviderUnavailable, f"gave up {shown}".rstrip())

    def timeout(self) -> ProviderTimeout:
        return self.error(ProviderTimeout, "took too long to answer")

    def connection_lost(self, *, answer_started: bool) -> ProviderError:
        """The connection broke, or there never was one."""
        if answer_started:
            return self.broken_off()
        return self.error(ProviderUnavailable, "cannot be reached")

    def broken_off(self) -> ProviderProtocolError:
        return self.protocol_error("broke off in the middle of its answer")

    def unintelligible(self, shown: str = "") -> ProviderProtocolError:
        return self.protocol_error(f"gave an answer that cannot be understood {shown}".rstrip())

    def refused(self, why: str) -> ProviderRefused:
        return self.error(ProviderRefused, why)

    def protocol_error(self, what: str) -> ProviderProtocolError:
        return self.error(ProviderProtocolError, what)

    def unauthorized(self, shown: str) -> ProviderUnauthorized:
        what = f"did not accept the key or has no quota {shown}".rstrip()
        return self.error(ProviderUnauthorized, what)

    def rate_limited(self, retry_after: str = "") -> ProviderRateLimited:
        """``retry_after``: a header's value; seconds are understood."""
        return ProviderRateLimited(
            f"{self.provider} has had too many requests.",
            stage=self.stage,
            provider=self.provider,
            retry_after=_seconds(retry_after),
        )

    def error(self, kind: type[E], what: str) -> E:
        return kind(f"{self.provider} {what}.", stage=self.stage, provider=self.provider)

    def _is(self, code: str, meaning: str) -> bool:
        return code in getattr(self.words, meaning) or code in getattr(COMMON_WORDS, meaning)


def _safe(code: str) -> str:
    code = code.lower()
    return code if SAFE_CODE.fullmatch(code) else ""


def _seconds(header: str) -> float | None:
    try:
        return max(0.0, float(header))
    except ValueError:
        return None
