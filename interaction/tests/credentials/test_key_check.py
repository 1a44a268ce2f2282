"""A key is tried with one request, and what the provider said is told without the key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from interaction.credentials.key_check import LEAST_SHARED, CheckResult, check_key, mask_key
from interaction.credentials.store import Access
from interaction.providers.declaration import Account
from interaction.providers.registry import accounts

KEY = "sk-live-0123456789abcdefWXYZ"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ME = Account("", check_path="/models", label="Someone")


@asynccontextmanager
async def respond_when(handler: Handler) -> AsyncIterator[str]:
    """A server's address; it answers everything by ``handler``."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def tried(handler: Handler, account: Account = ME, **more: object) -> CheckResult:
    async with respond_when(handler) as url:
        return await check_key(account, Access(url, KEY, "own"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", accounts())
async def test_each_provider_gets_the_key_where_it_looks_for_it_and_nowhere_else(name: str) -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.json_response({"data": [{"id": "one"}, {"id": "two"}]})

    account = accounts()[name]
    answer = await tried(handler, account)
    assert answer == CheckResult(True, f"{account.label} answered 200 and lists 2 models.")
    (request,) = seen
    assert request.method == "GET"
    assert request.path_qs == account.check_path
    assert request.headers[account.header] == account.scheme + KEY
    assert KEY not in str(request.url)
    assert [value for value in request.headers.values() if KEY in value] == [account.scheme + KEY]


async def test_a_streaming_address_is_asked_over_http() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"scopes": []})

    async with respond_when(handler) as url:
        access = Access(url.replace("http", "ws", 1), KEY, "server")
        assert (await check_key(accounts()["deepgram"], access)).ok


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}},
        {"error": "Incorrect API key provided"},
        {"detail": {"status": "invalid_api_key", "message": "Incorrect API key provided"}},
        {"detail": "Incorrect API key provided"},
        {"err_code": "INVALID_AUTH", "err_msg": "Incorrect API key provided"},
        [{"error": {"code": 400, "message": "Incorrect API key provided"}}],
    ],
)
async def test_what_a_provider_says_is_passed_on(body: object) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=401)

    answer = await tried(handler)
    assert answer == CheckResult(False, "Someone answered 401: Incorrect API key provided")


async def test_a_key_that_a_provider_quotes_is_masked() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        text = f"Wrong key {KEY}, that is {KEY[:12]}****{KEY[-4:]}"
        return web.json_response({"error": {"message": text}}, status=401)

    answer = await tried(handler)
    assert answer.message == "Someone answered 401: Wrong key …, that is …****WXYZ"


async def test_a_model_that_the_server_does_not_have_is_named() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": [{"id": "qwen3"}]})

    answer = await tried(handler, models=["qwen3", "llama9"])
    assert answer == CheckResult(False, "Someone answered 200, but lists no model llama9.")


async def test_a_page_that_is_no_provider_is_no_success() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<h1>Welcome</h1>", content_type="text/html")

    answer = await tried(handler)
    assert not answer.ok
    assert "not as a provider does" in answer.message


async def test_a_redirect_is_told_and_the_key_does_not_follow_it() -> None:
    paths = []

    async def handler(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        raise web.HTTPFound("/elsewhere")

    answer = await tried(handler)
    assert answer == CheckResult(False, "Someone answered 302.")
    assert paths == ["/models"]


async def test_a_server_that_never_answers_costs_no_more_than_the_deadline() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    answer = await tried(handler, within=0.2)
    assert answer == CheckResult(False, "Someone took too long to answer.")


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1 << 16))

    assert not (await tried(handler)).ok


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no.such.host.invalid"])
async def test_a_server_that_is_not_there_is_told(url: str) -> None:
    answer = await check_key(ME, Access(url, KEY, "own"))
    assert answer == CheckResult(False, "Someone cannot be reached.")


@given(st.text(min_size=1), st.text(min_size=LEAST_SHARED), st.data())
def test_nothing_of_a_key_is_in_what_is_told(words: str, key: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(key) - LEAST_SHARED))
    piece = key[start : start + data.draw(st.integers(LEAST_SHARED, len(key)))]
    shown = mask_key(key, words + piece + words)
    assert not any(
        key[at : at + LEAST_SHARED] in shown.replace("…", "\0")
        for at in range(len(key) - LEAST_SHARED + 1)
        if "…" not in key
    )


def test_what_is_no_part_of_the_key_stays() -> None:
    assert mask_key(KEY, "Incorrect API key provided") == "Incorrect API key provided"
    assert mask_key("", "anything") == "anything"
