"""Who may open a socket, and what is told to whom may not."""

from __future__ import annotations

import pytest
from channels.testing import WebsocketCommunicator
from django.test import override_settings

from interaction.tests.edges.client import Client
from voiceproject.asgi import application

PATHS = ["/ws/interaction/", "/api/v1/orchestrator/ws"]
HOST = "localhost:8000"


async def refusal(client: Client) -> tuple[str, int | None]:
    async with client:
        error = await client.until("error")
        await client.until("close")
    return error["code"], client.close_code


@pytest.mark.parametrize("path", PATHS)
class TestCookie:
    async def test_a_page_of_ours_is_let_in(self, path: str, cookie: str) -> None:
        async with Client(path, cookie=cookie, host=HOST, origin=f"http://{HOST}") as client:
            await client.until("connection_ready")
            await client.start()

    @pytest.mark.parametrize(
        "origin",
        [
            "",
            "null",
            "https://evil.example",
            "http://localhost:9000",
            "http://localhost",
            "http://localhost:8000.evil.example",
            "file://localhost:8000",
        ],
    )
    async def test_a_page_from_elsewhere_is_not(self, path: str, cookie: str, origin: str) -> None:
        headers = {"origin": origin} if origin else {}
        client = Client(path, cookie=cookie, host=HOST, **headers)
        assert await refusal(client) == ("bad_origin", 4403)

    async def test_a_host_that_is_not_ours_is_not_its_own_witness(
        self, path: str, cookie: str
    ) -> None:
        """A name that an attacker made point here (DNS rebinding)."""
        host = "evil.example:8000"
        client = Client(path, cookie=cookie, host=host, origin=f"http://{host}")
        with override_settings(ALLOWED_HOSTS=["localhost"]):
            assert await refusal(client) == ("bad_origin", 4403)

    async def test_a_trusted_origin_may_differ_from_the_host(self, path: str, cookie: str) -> None:
        origin = "https://talk.example"
        with override_settings(CSRF_TRUSTED_ORIGINS=[origin]):
            async with Client(path, cookie=cookie, host="inner:8000", origin=origin) as client:
                await client.until("connection_ready")

    @pytest.mark.parametrize("cookies", ["", "sessionid=made-up"])
    async def test_nobody_is_let_in_without_signing_in(
        self, transactional_db: None, path: str, cookies: str
    ) -> None:
        client = Client(path, host=HOST, origin=f"http://{HOST}", cookie=cookies)
        assert await refusal(client) == ("unauthenticated", 4401)


@pytest.mark.parametrize("path", PATHS)
class TestToken:
    async def test_a_token_needs_no_origin(self, path: str, token: str) -> None:
        async with Client(path, authorization=f"bearer {token}") as client:
            await client.until("connection_ready")

    async def test_a_wrong_token_is_refused_whatever_cookie_comes_with_it(
        self, path: str, cookie: str
    ) -> None:
        client = Client(
            path,
            authorization="Bearer pt_wrong",
            cookie=cookie,
            host=HOST,
            origin=f"http://{HOST}",
        )
        assert await refusal(client) == ("unauthenticated", 4401)

    async def test_a_user_who_was_deactivated_is_refused(
        self, path: str, owner: object, token: str
    ) -> None:
        from asgiref.sync import sync_to_async
        from django.contrib.auth import get_user_model

        await sync_to_async(get_user_model().objects.update)(is_active=False)
        client = Client(path, authorization=f"Bearer {token}")
        assert await refusal(client) == ("unauthenticated", 4401)


async def test_no_socket_lives_elsewhere() -> None:
    socket = WebsocketCommunicator(application, "/ws/elsewhere/")
    assert (await socket.connect())[0] is False
