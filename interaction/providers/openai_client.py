"""OpenAI's SDK as the stages use it: one client an address and key, its errors understood."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import openai
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from interaction.providers.base import ProviderConfig
from interaction.providers.blame import Blame
from interaction.providers.errors import ProviderError
from interaction.providers.http import Stage, transport

BASE_URL = "https://api.openai.com/v1"


def make(config: ProviderConfig) -> tuple[AsyncOpenAI, Callable[[], Awaitable[None]]]:
    client = AsyncOpenAI(
        base_url=config.base_url or BASE_URL,
        # Servers at home want no key, but the SDK wants one.
        api_key=config.api_key or "none",
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(**transport()),
    )
    return client, client.close


class OpenAIBlame(Blame):
    def translate(self, error: Exception, *, begun: bool) -> ProviderError | None:
        match error:
            case openai.APIStatusError():
                retry_after = error.response.headers.get("retry-after", "")
                return self.status(error.status_code, error.code or "", retry_after)
            case openai.APITimeoutError():
                return self.timeout()
            case openai.APIConnectionError():
                return self.lost(begun=begun)
            case openai.APIResponseValidationError():
                return self.nonsense()
            case openai.APIError():
                return self.told(error.code or "")
            case openai.OpenAIError():
                return self.nonsense()
        return super().translate(error, begun=begun)


class OpenAIStage(Stage):
    make = make
    blames = OpenAIBlame

    async def _touch(self) -> None:
        await self._client.models.list()
