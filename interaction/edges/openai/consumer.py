"""The socket at ``/v1/realtime``: brings what a client says to the exchange, and sends its answers.

Events are taken one after the other, in a task of their own: the first that needs a session waits
until there is one, and those behind it wait too, up to a limit.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from channels.consumer import AsyncConsumer, get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from django.utils.translation import gettext as _

from interaction.core.commands import AudioSent, Command, InterruptReply
from interaction.core.news import News, PlayAudio, ReplyInterrupted
from interaction.credentials.store import credentials_of
from interaction.edges.openai import models
from interaction.edges.openai.client_events import ClientEvents
from interaction.edges.openai.errors import (
    BROKEN,
    GOING_AWAY,
    REFUSED,
    TOO_MUCH,
    TOO_SLOW,
    TRY_LATER,
    ClientError,
    Event,
    error,
    new_id,
    read,
)
from interaction.edges.openai.formats import AudioFormat
from interaction.edges.openai.models import Asked
from interaction.edges.openai.session import Settings
from interaction.models import Session
from interaction.sessions import create
from interaction.sessions.live_session import LiveSession, internal_error, log_bug
from interaction.sessions.outbox import Outbox
from interaction.sessions.settings import ProviderChoice, SessionSettings

LONGEST_S = 3_600
"""Of a session; then the socket is closed with 1001, and the client may come back."""
STEP_S = 10
"""Seconds of audio that are passed on at once; then it is waited until they were heard."""
MOST_WAITING = 64 * 1024 * 1024
"""Characters of events that may wait to be taken."""


class RealtimeConsumer(AsyncConsumer):  # type: ignore[misc]
    channel_layer_alias = ""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The only place that cleans up: a cancelled application's handlers are not called."""
        self._user, self._grant = scope["user"], scope["grant"]
        self._subprotocol = scope["subprotocol"]
        query = parse_qs(scope["query_string"].decode("latin1"))
        self._model = query.get("model", [""])[0]
        self._transcribes = query.get("intent", [""])[0] == "transcription"
        self._waiting: deque[str] = deque()
        self._waiting_size = 0
        self._arrived = asyncio.Event()
        self._live: LiveSession | None = None
        self._ended: asyncio.Task[None] | None = None
        self._outbox = Outbox(send)
        self._closing = False
        self._heard = b""
        """Audio of the event in hand."""
        self._behind = 0
        """Bytes passed on since it was last waited until they were heard."""
        try:
            await self._serve(scope, receive, send)
        except* TimeoutError:
            # The client takes nothing any more: it is given up.
            await send({"type": "websocket.close", "code": TOO_SLOW, "reason": "too slow"})

    async def _serve(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            working = [
                self._tasks.create_task(self._outbox.run()),
                self._tasks.create_task(self._converse()),
                self._tasks.create_task(self._time_out()),
            ]
            await super().__call__(scope, receive, send)
            for task in working[1:]:
                task.cancel()
            if self._live:
                self._live.hang_up("client_left")
            if self._ended:
                await self._ended
            working[0].cancel()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does it, but for a visit to the database thread before every frame."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        await self.send({"type": "websocket.accept", "subprotocol": self._subprotocol})

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    async def websocket_receive(self, frame: dict[str, Any]) -> None:
        text = frame.get("text")
        if text is None:
            text = (frame.get("bytes") or b"").decode("utf-8", "replace")
        if self._closing:
            return
        self._waiting_size += len(text)
        if self._waiting_size > MOST_WAITING:
            self._close(TOO_MUCH, "too much at once")
            return
        self._waiting.append(text)
        self._arrived.set()

    def _close(self, code: int, reason: str) -> None:
        """Close the socket once, behind what was sent before; nothing more is taken."""
        if not self._closing:
            self._closing = True
            self._waiting.clear()
            self._outbox.close(code, reason)

    async def _time_out(self) -> None:
        await asyncio.sleep(LONGEST_S)
        message = "A session lasts at most 60 minutes. Connect again to go on."
        self._send(error("session_expired", message))
        self._close(GOING_AWAY, "session_expired")

    def _send(self, event: Event) -> None:
        self._outbox.post(json.dumps({"event_id": new_id("event"), **event}))

    # The conversation.

    async def _converse(self) -> None:
        try:
            self._model = self._model or str(self._grant.session.get("model") or "")
            self._asked = await database_sync_to_async(models.understood)(self._model, self._user)
            self._begin(self._asked)
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    text = self._waiting.popleft()
                    self._waiting_size -= len(text)
                    await self._take(text)
                    await self._outbox.room()
                    await asyncio.sleep(0)  # a flood of events must not hold up the others
        except create.SessionRefused as refusal:
            self._send(error(refusal.code, refusal.message))
            self._close(REFUSED, refusal.code)
        except Exception as bug:
            self._send(self._wrong(bug))
            self._close(BROKEN, "internal_error")

    def _wrong(self, bug: Exception) -> Event:
        log_bug(bug, None)
        failed = internal_error()
        return error(failed.code, failed.message, kind="server_error")

    def _begin(self, asked: Asked) -> None:
        expires_at = int(time.time()) + LONGEST_S
        extras = {"model": asked.model, **({"note": asked.note} if asked.note else {})}
        settings = Settings(
            new_id("sess"), self._model or asked.model, expires_at, transcribes=self._transcribes
        )
        if asked.settings.system_prompt and not self._transcribes:
            settings.update({"instructions": asked.settings.system_prompt})
        if self._grant.session:
            settings.update(self._grant.session)
        self._exchange = ClientEvents(settings, extras, self._send, self._do, self._hear)
        self._send({"type": "session.created", "session": self._exchange.session()})

    async def _take(self, text: str) -> None:
        client_event_id: str | None = None
        try:
            event = read(text)
            given = event.get("event_id")
            client_event_id = given if isinstance(given, str) else None
            if _needs_session(event) and self._live is None:
                await self._open()
            self._exchange.take(event)
            if self._live and event["type"].endswith("session.update"):
                self._live.reconfigure(self._exchange.settings.config())
                self._speak()
            await self._pass_on(event["type"])
        except ClientError as complaint:
            self._send(complaint.event(client_event_id))
        except (TypeError, KeyError, AttributeError, ValueError, RecursionError) as bug:
            # What nobody thought of in a client's event costs that event.
            self._send(self._wrong(bug))

    async def _pass_on(self, kind: str) -> None:
        """Have audio heard as fast as can be, but not faster; and a commit before what follows."""
        live, heard, self._heard = self._live, self._heard, b""
        if live is None:
            return
        step = 2 * self._rate * STEP_S
        for start in range(0, len(heard), step):
            live.hear(heard[start : start + step])
            self._behind += len(heard[start : start + step])
            if self._behind >= step:
                await live.heard()
                self._behind = 0
        if kind.endswith(("buffer.commit", "buffer.clear")):
            await live.heard()

    async def _open(self) -> None:
        """Make the session: what ``session.update`` has said before shapes it."""
        settings = self._exchange.settings
        wanted = self._asked.settings.model_copy(
            update={"system_prompt": settings.instructions[:20_000], "template_id": None}
        )
        if settings.language:
            wanted = _in_language(wanted, settings.language)
        opened = await self._made(wanted)
        spec = replace(opened.spec, paced=False)
        self._rate = settings.hears.rate
        self._live = LiveSession(
            spec, settings.config(), self._rate, self._tell, self._exchange.context
        )
        speaks = settings.speaks
        pack = partial(self._pack, speaks)
        self._outbox.begin(speaks.rate, self._audio_left, pack, ahead_ms=None)
        self._ended = self._tasks.create_task(self._live_through(self._live))

    async def _made(self, wanted: SessionSettings) -> create.PreparedSession:
        """Whoever leaves meanwhile leaves no session open."""
        making = asyncio.ensure_future(database_sync_to_async(self._make)(wanted))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            opened = await making
            if not self._grant.inner:
                end = database_sync_to_async(Session.end)
                await end(opened.spec.session_id, "client_left")
            raise

    def _make(self, wanted: SessionSettings) -> create.PreparedSession:
        if self._grant.inner:
            quiet = wanted.model_copy(update={"recording": False})
            chosen = create.with_defaults(quiet, credentials_of(self._user.pk))
            return create.prepare_from_settings(uuid4(), self._user.pk, chosen)
        return create.prepare(create.create_session(self._user, wanted, active=True))

    async def _live_through(self, live: LiveSession) -> None:
        reason = "server_stopped"
        try:
            reason = (await live.run()).reason
        finally:
            self._outbox.drop_audio()
            if not self._grant.inner:
                await database_sync_to_async(Session.end)(live.spec.session_id, reason)
        if reason != "client_left":
            self._live = None
            self._close(TRY_LATER if reason == "engine_unavailable" else BROKEN, reason)

    def _speak(self) -> None:
        """In the format that the session has now, from the next reply on."""
        speaks = self._exchange.settings.speaks
        self._outbox.speak(speaks.rate, partial(self._pack, speaks))

    # Between the exchange and the live session.

    def _do(self, command: Command) -> None:
        assert self._live is not None
        self._live.command(command)

    def _hear(self, pcm: bytes) -> None:
        assert self._live is not None
        rate = self._exchange.settings.hears.rate
        if rate != self._rate:
            self._rate = rate
            self._live.hear_at(rate)
        self._heard += pcm

    def _tell(self, news: News) -> None:
        telling = self._exchange.telling
        if isinstance(news, PlayAudio):
            telling.tell(news)
            if not self._outbox.play(news):
                self._outbox.interrupt(news.reply_id)
                too_long = _("The reply is too long to be spoken; the rest of it was dropped.")
                self._send(error("reply_too_long", too_long, kind="server_error"))
                stop = InterruptReply(reply_id=news.reply_id)
                asyncio.get_running_loop().call_soon(self._do, stop)
            return
        if isinstance(news, ReplyInterrupted):
            self._outbox.interrupt(news.reply_id)
        telling.tell(news)

    def _pack(self, speaks: AudioFormat, piece: PlayAudio, sequence: int, pcm: bytes) -> str | None:
        event = self._exchange.telling.audio(piece, speaks.encode(pcm))
        return json.dumps({"event_id": new_id("event"), **event}) if event else None

    def _audio_left(self, reply_id: Any, last: bool) -> None:
        if self._live:
            self._live.command(AudioSent(reply_id, last))


def _needs_session(event: Event) -> bool:
    kind = event.get("type")
    return isinstance(kind, str) and kind.startswith(("input_audio_buffer.", "response.", "conv"))


def _in_language(wanted: SessionSettings, language: str) -> SessionSettings:
    choice: ProviderChoice = wanted.providers.stt
    stt = choice.model_copy(update={"language": language[:35]})
    return wanted.model_copy(update={"providers": wanted.providers.model_copy(update={"stt": stt})})
