"""Google's SDK as the stages use it: one client an address and key, its errors understood."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from google import genai
from google.genai import errors, types
from pydantic import ValidationError

from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.http import transport
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderError
from interaction.providers.gemini import ACCOUNT, PROVIDER
from interaction.providers.gemini.answer_stream import make_regular


def make_client(config: ProviderConfig) -> tuple[genai.Client, Callable[[], Awaitable[None]]]:
    connections = httpx2.AsyncClient(
        **transport(),
        event_hooks={"response": [make_regular]},
        # A stream of small pieces gains nothing by compression.
        headers={"Accept-Encoding": "identity"},
    )
    client = genai.Client(
        api_key=config.api_key or "none",
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=config.base_url or ACCOUNT.base_url,
            httpx_async_client=connections,
            # Unused, but the SDK would take its time to make one.
            httpx_client=httpx2.Client(**transport()),
        ),
    )

    async def close() -> None:
        client.close()
        await connections.aclose()

    return client, close


class GeminiErrorMapping(ErrorMapping):
    words = PROVIDER.error_words

    def translate(self, error: Exception, *, answer_started: bool) -> ProviderError | None:
        match error:
            case errors.APIError():
                details = _details(error)
                reasons = [detail.get("reason") for detail in details]
                # A wrong key is answered with 400, like any other wrong argument.
                bad_key = "API_KEY_INVALID" in reasons
                delays = [str(d["retryDelay"]) for d in details if "retryDelay" in d]
                headers = getattr(error.response, "headers", None) or {}
                retry_after = headers.get("retry-after") or next(iter(delays), "")
                code = "api_key_invalid" if bad_key else str(error.status or "")
                return self.http_status(int(error.code or 0), code, retry_after.rstrip("s"))
            case errors.UnknownApiResponseError() | ValidationError():
                return self.unintelligible()
        return super().translate(error, answer_started=answer_started)


def refusal(error: Exception) -> tuple[int, str] | None:
    """HTTP status and text of a refusal; None: the error is none."""
    if not isinstance(error, errors.APIError):
        return None
    return int(error.code or 0), f"{error.message} {error.details}"


def _details(error: errors.APIError) -> list[dict[str, Any]]:
    body = error.details if isinstance(error.details, dict) else {}
    inner = body.get("error", body)
    details = inner.get("details") if isinstance(inner, dict) else None
    return [d for d in details if isinstance(d, dict)] if isinstance(details, list) else []
