"""One tree of provider errors. Each says which stage and provider, and whether a retry may help.

ProviderError
├── ProviderUnavailable      connection refused, DNS, 5xx            retryable
├── ProviderRateLimited      429; ``retry_after`` in seconds          retryable
├── ProviderTimeout          a first-byte, stall or stage deadline    retryable
├── ProviderRefused          the request itself was refused (4xx)
├── ProviderUnauthorized     bad or missing key, no quota
└── ProviderProtocolError    an answer that cannot be understood, a stream that breaks off
"""

from __future__ import annotations

from typing import ClassVar


class ProviderError(Exception):
    """``message`` is safe to show and to log: it never holds keys, audio or what was said."""

    code: ClassVar[str] = "provider_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, stage: str, provider: str) -> None:
        super().__init__(message)
        self.message = message
        self.stage = stage
        self.provider = provider


class ProviderUnavailable(ProviderError):
    code = "provider_unavailable"
    retryable = True


class ProviderRateLimited(ProviderError):
    code = "provider_rate_limited"
    retryable = True

    def __init__(
        self, message: str, *, stage: str, provider: str, retry_after: float | None = None
    ) -> None:
        super().__init__(message, stage=stage, provider=provider)
        self.retry_after = retry_after


class ProviderTimeout(ProviderError):
    code = "provider_timeout"
    retryable = True


class ProviderRefused(ProviderError):
    code = "provider_refused"


class ProviderUnauthorized(ProviderError):
    code = "provider_unauthorized"


class ProviderProtocolError(ProviderError):
    code = "provider_protocol_error"
