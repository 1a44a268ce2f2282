"""Every adapter, in all that can go wrong with a server: the same failure is the same error."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from interaction.providers import errors
from interaction.providers.config import Kind
from interaction.providers.registry import SHIPPED, Registry
from interaction.tests.providers.adapters import KEY, SAID, STANDINS, Adapter

SOON = (0.3, 0.2)
"""Deadlines, in seconds, for what never comes."""
AMPLE = (30.0, 30.0)
"""For what comes, on a busy machine too."""

FAILURES: dict[str, tuple[dict[str, Any], type[errors.ProviderError]]] = {
    "bad key": ({"status": 401}, errors.ProviderUnauthorized),
    "key without rights": ({"status": 403}, errors.ProviderUnauthorized),
    "too many requests": ({"status": 429, "retry_after": "7"}, errors.ProviderRateLimited),
    "no such model": ({"status": 404}, errors.ProviderRefused),
    "server error": ({"status": 500}, errors.ProviderUnavailable),
    "overloaded": ({"status": 503}, errors.ProviderUnavailable),
    "hang": ({"fault": "hang"}, errors.ProviderTimeout),
    "stall": ({"fault": "stall"}, errors.ProviderTimeout),
    "garbage": ({"fault": "garbage"}, errors.ProviderProtocolError),
    "cut": ({"fault": "cut"}, errors.ProviderProtocolError),
}
NO_FRAMES = {"tts"}
"""Raw audio can be cut and stall, but anything is audio: see the test of what it begins with."""


@pytest.fixture(params=STANDINS, ids=" ".join)
async def adapter(request: pytest.FixtureRequest) -> AsyncIterator[Adapter]:
    kind, name = request.param
    async with STANDINS[request.param]() as server:
        made = Adapter(kind, name, server)
        made.provider = made.make()
        yield made
        await made.provider.aclose()


def test_every_adapter_that_needs_a_server_is_among_these() -> None:
    shipped = Registry(SHIPPED, use_entry_points=False)
    kinds: tuple[Kind, ...] = ("stt", "llm", "tts")
    remote = {
        (kind, name)
        for kind in kinds
        for name, entry in shipped.entries(kind).items()
        if entry.capabilities.needs_key
    }
    assert remote == set(STANDINS)


async def test_the_first_output_is_handed_on_before_the_last_arrives(adapter: Adapter) -> None:
    adapter.server.script(adapter.kind, held=True, text="One two three.")
    async with aclosing(adapter.answers()) as answers:  # type: ignore[type-var]
        first = await anext(answers)
        assert first
        assert adapter.server.requests[0].ended == "abandoned", "it is still at it"
        adapter.server.release()
        assert [answer async for answer in answers]


@pytest.mark.parametrize("failure", FAILURES)
async def test_every_failure_has_its_place_in_the_tree(adapter: Adapter, failure: str) -> None:
    plan, error = FAILURES[failure]
    if failure == "garbage" and adapter.kind in NO_FRAMES:
        plan = {"fault": "page"}
    adapter.server.script(adapter.kind, **plan)
    # After nonsense a socket is given the time in which sense may still come.
    first, stall = SOON if failure in ("hang", "stall", "garbage") else (None, None)
    provider = adapter.make(first=first, stall=stall)

    with pytest.raises(errors.ProviderError) as caught:
        await adapter.ask(provider)

    assert type(caught.value) is error
    assert (caught.value.stage, caught.value.provider) == (adapter.kind, adapter.name)
    assert KEY not in caught.value.message
    assert SAID not in caught.value.message
    assert caught.value.__cause__ is None
    # Not for one request alone: a busy machine may give up before the server has even seen it.
    adapter.server.script(adapter.kind)
    provider.deadlines = AMPLE
    assert await adapter.ask(provider), "the next request works"
    await provider.aclose()


async def test_a_rate_limit_says_when_to_come_back(adapter: Adapter) -> None:
    adapter.server.next(adapter.kind, status=429, retry_after="7")
    with pytest.raises(errors.ProviderRateLimited) as caught:
        await adapter.ask()
    assert caught.value.retry_after == 7.0


async def test_nobody_at_the_address_is_unavailable(adapter: Adapter) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    provider = adapter.make(url)
    await provider.warm()
    with pytest.raises(errors.ProviderUnavailable) as caught:
        await adapter.ask(provider)
    await provider.aclose()
    assert caught.value.retryable


async def test_an_address_that_is_none_is_an_error_of_the_tree(adapter: Adapter) -> None:
    provider = adapter.make("nonsense")
    with pytest.raises(errors.ProviderError):
        await adapter.ask(provider)
    await provider.aclose()


async def test_connections_are_used_again(adapter: Adapter) -> None:
    await adapter.provider.warm()
    for _ in range(3):
        assert await adapter.ask()
    assert adapter.server.connections == 1
    assert [request.ended for request in adapter.server.requests] == ["answered"] * 3


async def test_cancelling_gives_the_request_up(adapter: Adapter) -> None:
    adapter.server.next(adapter.kind, fault="hang")
    task = asyncio.ensure_future(adapter.ask())
    await adapter.server.arrived(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await adapter.ask()
    assert [request.ended for request in adapter.server.requests] == ["abandoned", "answered"]


async def test_a_provider_can_be_used_again_after_it_was_closed(adapter: Adapter) -> None:
    for _ in range(2):
        assert await adapter.ask()
        await adapter.provider.aclose()
    assert adapter.server.connections == 2


async def test_the_key_goes_where_the_server_looks_for_it(adapter: Adapter) -> None:
    assert await adapter.ask()
    assert adapter.server.requests[0].authorization.endswith(KEY)
