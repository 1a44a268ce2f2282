"""OpenAI's SDK as the stages use it: one client an address and key, its errors understood."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import openai
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.http import HttpStage, transport
from interaction.providers._shared.refused_fields import Fields, asked_without_refused
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderError
from interaction.providers.openai import ACCOUNT, PROVIDER


def make_client(config: ProviderConfig) -> tuple[AsyncOpenAI, Callable[[], Awaitable[None]]]:
    client = AsyncOpenAI(
        base_url=config.base_url or ACCOUNT.base_url,
        # Servers at home want no key, but the SDK wants one.
        api_key=config.api_key or "none",
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(**transport()),
    )
    return client, client.close


class OpenAIErrorMapping(ErrorMapping):
    words = PROVIDER.error_words

    def translate(self, error: Exception, *, answer_started: bool) -> ProviderError | None:
        match error:
            case openai.APIStatusError():
                retry_after = error.response.headers.get("retry-after", "")
                return self.http_status(error.status_code, error.code or "", retry_after)
            case openai.APITimeoutError():
                return self.timeout()
            case openai.APIConnectionError():
                return self.connection_lost(answer_started=answer_started)
            case openai.APIResponseValidationError():
                return self.unintelligible()
            case openai.APIError():
                return self.error_code(error.code or "")
            case openai.OpenAIError():
                return self.unintelligible()
        return super().translate(error, answer_started=answer_started)


def _refusal(error: Exception) -> tuple[int, str] | None:
    if not isinstance(error, openai.APIStatusError):
        return None
    # The message names no parameter that the body does.
    return error.status_code, f"{error.message} {error.body}"


class OpenAIStage(HttpStage):
    make_client = make_client
    error_mapping = OpenAIErrorMapping

    def _asking(
        self, ask: Callable[..., AbstractAsyncContextManager[Any]], optional: Fields
    ) -> AbstractAsyncContextManager[Any]:
        """The request ``ask(**optional)``, made without those fields that the server refuses."""
        source = (self.stage, self._config.base_url, self._config.model)
        return asked_without_refused(ask, optional, source, _refusal)

    async def _send_warming_request(self) -> None:
        await self._client.models.list()
