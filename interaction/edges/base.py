"""What every socket has, whatever its protocol: accept, sender, receive loop, session, close.

An edge is a codec, an authentication that wraps the consumer, and a route. Its consumer overrides
the hooks of ``SessionConsumer``; tasks, clean-up, a session's row and close codes are here alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine
from io import BytesIO
from typing import Any, ClassVar
from uuid import UUID

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.core.handlers.asgi import ASGIRequest
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _

from interaction.core.commands import AudioSent, InterruptReply
from interaction.core.news import Failure, News, PlayAudio, ReplyInterrupted
from interaction.core.types import Message
from interaction.edges.close_codes import CLOSES, CloseCode
from interaction.safe_logging import log_crash
from interaction.sessions.create import PreparedSession, SessionRefused
from interaction.sessions.live_session import (
    LiveSession,
    SessionEnding,
    internal_error,
    log_session_crash,
    open_session,
)
from interaction.sessions.outbox import SEND_S, ClientGone, ClientTooSlow, Outbox, Pack
from interaction.sessions.playback_pacing import AHEAD_MS

logger = logging.getLogger(__name__)

EARLY_MESSAGES = 64
"""Messages that may wait for a session which is being made; the oldest is dropped."""
CLOSE_S = 5.0
"""A socket that broke may take so long to send what explains it, and its close."""


class SessionConsumer(AsyncConsumer, ABC):  # type: ignore[misc]
    """A socket with at most one session at a time. No hook may block."""

    channel_layer_alias = ""  # an engine may listen to the channel layer; a socket does not
    max_socket_s: ClassVar[float | None] = None
    """How long a socket may stay open, seconds; None: as long as it likes."""
    send_s: ClassVar[float] = SEND_S
    """A client that holds the sender back for so long is too slow."""
    audio_ahead_ms: ClassVar[float | None] = AHEAD_MS
    """How far audio may be sent ahead of its playback; None: it is sent at once."""

    user: Any
    outbox: Outbox
    live: LiveSession | None
    """The session, while it takes audio and commands."""
    session_task: asyncio.Task[None] | None
    """The session from ``start_session`` to its row's end."""
    is_closing: bool
    """The socket is being closed by the server: frames that still come are ignored."""

    # Hooks: what an edge defines.

    def on_connect(self) -> None:
        """The socket has been accepted: greet the client."""

    @abstractmethod
    def on_frame(self, text: str | None, data: bytes | None) -> None:
        """A frame from the client, as text or as bytes."""

    def on_early_message(self, message: Any) -> None:
        """A message given to ``enqueue_early``, now that the session has started."""

    def on_session_started(self, live: LiveSession) -> None:
        """The session takes audio and commands from here on."""

    @abstractmethod
    def on_session_refused(self, refusal: SessionRefused) -> None:
        """The session that was asked for cannot be made."""

    def on_session_ended(self, session_id: UUID | None, ending: SessionEnding) -> None:
        """The session is over, and its row ended. ``session_id`` is None where a bug came before
        there was one."""

    @abstractmethod
    def on_news(self, news: News) -> None:
        """Send the client what the conversation has to say. Audio is sent by the outbox."""

    @abstractmethod
    def send_failure(self, failure: Failure) -> None:
        """Send an error that is no news of the conversation."""

    @abstractmethod
    def output_format(self, live: LiveSession) -> tuple[int, Pack]:
        """The sample rate of replies on the wire, Hz, and what makes frames of their audio."""

    def on_expired(self) -> None:
        """The socket has been open for ``max_socket_s`` and is about to be closed."""

    def background(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the receive loop until the client has left. A bug in it closes the
        socket."""
        return []

    # What an edge calls.

    def start_session(
        self,
        make: Callable[[], PreparedSession],
        context: Callable[[], tuple[Message, ...]] | None = None,
    ) -> None:
        """Have a session made, in the database thread, and run it to its end. Never blocks.

        ``context``: as in ``TurnMachine``.
        """
        self._started = asyncio.Event()
        work = self._supervise(self._run_session(make, context))
        self.session_task = self._tasks.create_task(work)

    async def wait_until_started(self) -> bool:
        """Wait until the session takes audio and commands; false where it never will."""
        await self._started.wait()
        return self.live is not None

    def enqueue_early(self, message: Any) -> None:
        """Keep a message until the session that is being made has started."""
        self._early.append(message)

    def close(self, code: CloseCode, reason: str) -> None:
        """Close the socket behind all messages so far; a second close does nothing."""
        if not self.is_closing:
            self.is_closing = True
            self.outbox.close(code, reason)

    # The socket.

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The only place that cleans up: a cancelled application's handlers are not called."""
        self.user = scope["user"]
        self.outbox = Outbox(send, send_s=self.send_s)
        self.live = self.session_task = None
        self.is_closing = False
        self._early: deque[Any] = deque(maxlen=EARLY_MESSAGES)
        self._left: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why the socket is left, as a session's end reason."""
        with override(_language_of(scope)):
            try:
                await self._serve(scope, receive, send)
            except Exception as bug:  # the server would log a group without its members
                log_crash(logger, bug, {"code": "internal_error"}, "socket broke")

    async def _serve(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        receiving = super().__call__(scope, receive, send)
        async with asyncio.TaskGroup() as self._tasks:
            sender = self._tasks.create_task(self._send_all())
            others = [
                self._tasks.create_task(self._supervise(work))
                for work in (receiving, self._expire(), *self.background())
            ]
            reason = await self._left
            for task in others:
                task.cancel()
            if self.live:
                self.live.hang_up(reason)
            if reason in CLOSES:
                await self._close_now(sender, send, *CLOSES[reason])
            if self.session_task:
                await self.session_task
            sender.cancel()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does it, but for a visit to the database thread before every frame."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        subprotocol = self.scope.get("subprotocol")
        try:
            await self.send({"type": "websocket.accept", "subprotocol": subprotocol})
        except Exception:  # whatever a server raises: there is nobody to accept any more
            self._leave("client_left")
            return
        self.on_connect()

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if not self.is_closing:
            self.on_frame(message.get("text"), message.get("bytes"))

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        self._leave("client_left")
        raise StopConsumer

    async def _send_all(self) -> None:
        try:
            await self._supervise(self.outbox.run())
        except ClientGone:
            self._leave("client_left")
        except ClientTooSlow:
            self._leave("client_too_slow")

    async def _supervise(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work``; a bug in it closes the socket."""
        try:
            await work
        except (ClientGone, ClientTooSlow):
            raise
        except Exception as bug:
            session_id = self.live.spec.session_id if self.live else None
            log_crash(
                logger, bug, {"session": session_id, "code": "internal_error"}, "socket broke"
            )
            self._leave("internal_error")

    async def _expire(self) -> None:
        if self.max_socket_s is not None:
            await asyncio.sleep(self.max_socket_s)
            self.on_expired()
            self._leave("session_expired")

    def _leave(self, reason: str) -> None:
        if not self._left.done():
            self._left.set_result(reason)

    async def _close_now(
        self, sender: asyncio.Task[None], send: Any, code: CloseCode, reason: str
    ) -> None:
        """Close behind what may explain it where that can still be sent, else at once."""
        if code == CloseCode.INTERNAL_ERROR:
            self.send_failure(internal_error())
        self.close(code, reason)
        await asyncio.wait([sender], timeout=CLOSE_S)
        if self.outbox.is_closed:
            return
        with contextlib.suppress(Exception):  # the client may have left
            async with asyncio.timeout(CLOSE_S):
                await send({"type": "websocket.close", "code": code, "reason": reason})

    # The session.

    async def _run_session(
        self,
        make: Callable[[], PreparedSession],
        context: Callable[[], tuple[Message, ...]] | None,
    ) -> None:
        session_id: UUID | None = None
        try:
            async with open_session(make, self._on_news, context) as live:
                session_id = live.spec.session_id
                ending = await self._run_live(live)
        except SessionRefused as refusal:
            self._forget_session()
            self.on_session_refused(refusal)
        except Exception as bug:
            log_session_crash(bug, session_id)
            self._forget_session()
            self.send_failure(internal_error())
            self.on_session_ended(session_id, SessionEnding("internal_error", None))
        else:
            self._forget_session()
            self.on_session_ended(session_id, ending)

    async def _run_live(self, live: LiveSession) -> SessionEnding:
        rate, pack = self.output_format(live)
        self.outbox.start_session(rate, pack, self._on_audio_sent, self.audio_ahead_ms)
        self.live = live
        if self._left.done():
            live.hang_up(self._left.result())
        self.on_session_started(live)
        while self._early:
            self.on_early_message(self._early.popleft())
        self._started.set()
        try:
            return await live.run()
        finally:
            self.outbox.drop_audio()

    def _forget_session(self) -> None:
        self.live = self.session_task = None
        self._early.clear()
        self._started.set()

    def _on_news(self, news: News) -> None:
        if isinstance(news, ReplyInterrupted):
            self.outbox.interrupt_reply(news.reply_id)
        self.on_news(news)
        if isinstance(news, PlayAudio) and not self.outbox.enqueue_audio(news):
            self._cut_off(news)

    def _cut_off(self, piece: PlayAudio) -> None:
        """A reply is too far ahead of its playback: stop it, rather than keep hours of it here."""
        self.outbox.interrupt_reply(piece.reply_id)
        message = _("The reply is too long to be spoken; the rest of it was dropped.")
        self.send_failure(
            Failure(
                "reply_too_long",
                message,
                retryable=False,
                turn_id=piece.turn_id,
                reply_id=piece.reply_id,
            )
        )
        if self.live:
            self.live.submit(InterruptReply(reply_id=piece.reply_id, how="timeout"))

    def _on_audio_sent(self, reply_id: UUID, last: bool) -> None:
        if self.live:
            self.live.submit(AudioSent(reply_id, last))


def _language_of(scope: dict[str, Any]) -> str:
    """The language that a page would be served in: messages are for the same person."""
    return get_language_from_request(ASGIRequest({**scope, "method": "GET"}, BytesIO()))
