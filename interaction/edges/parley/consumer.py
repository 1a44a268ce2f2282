"""The consumer of Parley's own protocol. Its handlers read, decode and hand on: none ever waits."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from io import BytesIO
from typing import Any

from channels.consumer import AsyncConsumer, get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from django.core.handlers.asgi import ASGIRequest
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _

from interaction.core.commands import AudioSent, InterruptReply
from interaction.core.events import ClientToolCalled, EngineLost, UsageReported
from interaction.core.news import News, PlayAudio, ReplyInterrupted
from interaction.edges.parley import codec, messages
from interaction.models import Session
from interaction.sessions import create
from interaction.sessions.live_session import LiveSession, SessionEnding, internal_error, log_bug
from interaction.sessions.outbox import Outbox

EARLY_MESSAGES = 64
"""Messages that may wait for a session which is just being opened; the oldest is dropped."""


class ParleyConsumer(AsyncConsumer):  # type: ignore[misc]
    """A socket: at most one session at a time, any number one after the other."""

    channel_layer_alias = ""  # an engine may listen to the channel layer; a socket does not

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The only place that cleans up: a cancelled application's handlers are not called."""
        self._user = scope["user"]
        self._session: asyncio.Task[None] | None = None
        self._live: LiveSession | None = None
        self._gone = False
        self._audio_refused = False
        self._early: deque[messages.ClientMessage | bytes] = deque(maxlen=EARLY_MESSAGES)
        self._outbox = Outbox(send)
        with override(_language_of(scope)):
            await self._serve(scope, receive, send)

    async def _serve(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            sender = self._tasks.create_task(self._outbox.run())
            await super().__call__(scope, receive, send)
            await self._leave()
            sender.cancel()

    async def _leave(self) -> None:
        """The client is gone: its session ends, with all that it still has to hand over."""
        self._gone = True
        if self._live:
            self._live.hang_up("client_left")
        if self._session:
            await self._session

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does it, but for a visit to the database thread before every frame."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        await self.send({"type": "websocket.accept"})
        self._outbox.tell(messages.ConnectionReady())

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    async def websocket_receive(self, frame: dict[str, Any]) -> None:
        try:
            message = codec.decode(text=frame.get("text"), data=frame.get("bytes"))
        except codec.InvalidMessage as unreadable:
            self._complain(unreadable.code, unreadable.message)
        else:
            self._take(message)

    def _take(self, message: messages.ClientMessage | bytes) -> None:
        match message:
            case messages.Ping(nonce=nonce):
                self._outbox.tell(messages.Pong(nonce=nonce))
            case messages.StartSession() if self._session:
                self._complain(
                    "already_started",
                    _("A session is in progress on this socket. Send end_session first."),
                )
            case messages.StartSession():
                self._session = self._tasks.create_task(self._converse(message))
            case _ if self._live:
                self._pass_on(self._live, message)
            case _ if self._session:
                self._early.append(message)
            case bytes() if self._audio_refused:
                pass  # said once: a microphone that is on sends thirty of them a second
            case _:
                self._audio_refused |= isinstance(message, bytes)
                self._complain("not_started", _("No session has started. Send start_session."))

    def _pass_on(self, live: LiveSession, message: messages.ClientMessage | bytes) -> None:
        match message:
            case bytes():
                live.hear(message)
            case messages.EndSession():
                live.hang_up("ended")
            case messages.AcceptFallback():
                live.accept_fallback()
            case messages.UpdateSession(barge_in_enabled=barge_in, turn_detection=choice):
                config = live.config
                if barge_in is not None:
                    config = replace(config, barge_in=barge_in)
                if choice is not None:
                    config = replace(config, turn_detection=codec.turn_detection(choice))
                live.reconfigure(config)
            case _:
                if isinstance(message, messages.Playback):
                    self._outbox.played(message.reply_id, message.played_ms)
                if command := codec.command(message):
                    live.command(command)

    async def _converse(self, start: messages.StartSession) -> None:
        """One session, from ``start_session`` to ``session_ended``."""
        try:
            opened = await database_sync_to_async(create.start_session)(self._user, start)
            await self._live_through(opened)
        except create.SessionRefused as refusal:
            self._complain(refusal.code, refusal.message)
        except Exception as bug:
            log_bug(bug, start.session_id)
            self._outbox.tell(codec.encode(internal_error()))
        finally:
            self._session = self._live = None
            self._early.clear()
            self._audio_refused = True  # a microphone's last words are still on their way

    async def _live_through(self, opened: create.PreparedSession) -> None:
        started, session_id = opened.started, opened.spec.session_id
        ending = SessionEnding("internal_error", None)
        try:
            live = LiveSession(
                opened.spec, opened.config, started.input_sample_rate, self._tell_news
            )
            self._outbox.begin(started.output_sample_rate, self._audio_left)
            self._outbox.tell(started)
            self._live = live
            if self._gone:
                live.hang_up("client_left")
            while self._early:
                self._take(self._early.popleft())
            ending = await live.run()
        except asyncio.CancelledError:
            ending = SessionEnding("server_stopped", None)
            raise
        finally:
            self._outbox.drop_audio()
            await database_sync_to_async(Session.end)(session_id, ending.reason)
        self._outbox.tell(
            messages.SessionEnded(
                session_id=session_id,
                reason=ending.reason,
                summary=codec.summary(ending.summary) if ending.summary else None,
            )
        )

    def _tell_news(self, news: News) -> None:
        match news:
            case PlayAudio():
                if not self._outbox.play(news):
                    self._cut_short(news)
            case ReplyInterrupted(reply_id=reply_id):
                self._outbox.interrupt(reply_id)
                self._outbox.tell(codec.encode(news))
            case ClientToolCalled() | UsageReported() | EngineLost():
                pass  # this protocol's tools run here, and it does not tell what a reply cost
            case _:
                self._outbox.tell(codec.encode(news))

    def _cut_short(self, piece: PlayAudio) -> None:
        """A reply has run away from its listener: stop it, rather than keep hours of it here."""
        self._outbox.interrupt(piece.reply_id)
        self._complain(
            "reply_too_long",
            _("The reply is too long to be spoken; the rest of it was dropped."),
            turn_id=piece.turn_id,
            reply_id=piece.reply_id,
        )
        if self._live:  # not from within its own news
            asyncio.get_running_loop().call_soon(self._live.command, InterruptReply())

    def _audio_left(self, reply_id: Any, last: bool) -> None:
        if self._live:
            self._live.command(AudioSent(reply_id, last))

    def _complain(self, code: str, message: str, **about: Any) -> None:
        self._outbox.tell(messages.Error(code=code, message=message, retryable=False, **about))


def _language_of(scope: dict[str, Any]) -> str:
    """The one that a page would be served in: whatever is told here is for the same person."""
    return get_language_from_request(ASGIRequest({**scope, "method": "GET"}, BytesIO()))
