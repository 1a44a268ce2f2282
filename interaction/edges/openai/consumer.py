"""The consumer of OpenAI's Realtime protocol, at ``/v1/realtime``.

Client events are carried out one after the other, in a task of their own: the first that needs a
session waits until there is one, and those behind it wait too, up to a limit.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async

from interaction.core.commands import Command
from interaction.core.news import Failure, News, PlayAudio
from interaction.edges.base import SessionConsumer
from interaction.edges.close_codes import CLOSES, CloseCode
from interaction.edges.openai import models
from interaction.edges.openai.client_events import ClientEvents
from interaction.edges.openai.errors import ClientError, Event, error, new_id, read_event
from interaction.edges.openai.formats import AudioFormat
from interaction.edges.openai.models import ResolvedModel
from interaction.edges.openai.session import Settings
from interaction.sessions import create
from interaction.sessions.live_session import (
    LiveSession,
    SessionEnding,
    internal_error,
    log_session_crash,
)
from interaction.sessions.outbox import Pack
from interaction.sessions.settings import LONGEST_PROMPT, ProviderChoice, SessionSettings

STEP_S = 10
"""Seconds of audio that are fed at once; then the engine must have got them before more is."""
MAX_WAITING_CHARACTERS = 64 * 1024 * 1024
"""Events that may wait to be carried out."""


class RealtimeConsumer(SessionConsumer):
    max_socket_s = 3_600
    audio_ahead_ms = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self._grant = scope["grant"]
        query = parse_qs(scope["query_string"].decode("latin1"))
        self._model = query.get("model", [""])[0] or str(self._grant.session.get("model") or "")
        self._is_transcription = query.get("intent", [""])[0] == "transcription"
        self._waiting: deque[str] = deque()
        """Events, as they came."""
        self._waiting_characters = 0
        self._arrived = asyncio.Event()
        self._audio = b""
        """Audio of the event in hand."""
        self._unconfirmed_bytes = 0
        """Audio fed since the engine was last waited for."""
        await super().__call__(scope, receive, send)

    def background(self) -> list[Coroutine[Any, Any, None]]:
        return [self._carry_out_events()]

    def on_frame(self, text: str | None, data: bytes | None) -> None:
        if text is None:
            text = (data or b"").decode("utf-8", "replace")
        self._waiting_characters += len(text)
        if self._waiting_characters > MAX_WAITING_CHARACTERS:
            self.close(CloseCode.TOO_MUCH, "too much at once")
            self._waiting.clear()
            return
        self._waiting.append(text)
        self._arrived.set()

    def on_session_refused(self, refusal: create.SessionRefused) -> None:
        self._send(error(refusal.code, refusal.message))
        self.close(CloseCode.REFUSED, refusal.code)

    def on_session_ended(self, session_id: UUID | None, ending: SessionEnding) -> None:
        if ending.reason != "client_left":
            broken = (CloseCode.INTERNAL_ERROR, ending.reason)
            self.close(*CLOSES.get(ending.reason, broken))

    def on_news(self, news: News) -> None:
        self._events.server_events.on_news(news)

    def send_failure(self, failure: Failure) -> None:
        self._send(error(failure.code, failure.message, kind="server_error"))

    def output_format(self, live: LiveSession) -> tuple[int, Pack]:
        audio_format = self._events.settings.output_format
        return audio_format.rate, partial(self._pack_audio, audio_format)

    def on_expired(self) -> None:
        message = "A session lasts at most 60 minutes. Connect again to go on."
        self._send(error("session_expired", message))

    def _send(self, event: Event) -> None:
        self.outbox.send_text(json.dumps({"event_id": new_id("event"), **event}))

    def _pack_audio(
        self, audio_format: AudioFormat, piece: PlayAudio, sequence: int, pcm: bytes
    ) -> str | None:
        event = self._events.server_events.audio_event(piece, audio_format.encode(pcm))
        return json.dumps({"event_id": new_id("event"), **event}) if event else None

    # Client events, one after the other.

    async def _carry_out_events(self) -> None:
        resolve = database_sync_to_async(models.resolve_model)
        self._resolved = await resolve(self._model, self.user)
        self._greet(self._resolved)
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting and not self.is_closing:
                text = self._waiting.popleft()
                self._waiting_characters -= len(text)
                await self._carry_out(text)
                await self.outbox.wait_for_room()
                await asyncio.sleep(0)  # a flood of events must not hold up other sockets

    def _greet(self, resolved: ResolvedModel) -> None:
        expires_at = int(time.time()) + int(self.max_socket_s)
        settings = Settings(
            new_id("sess"),
            self._model or resolved.model,
            expires_at,
            is_transcription=self._is_transcription,
        )
        if resolved.settings.system_prompt and not self._is_transcription:
            settings.update({"instructions": resolved.settings.system_prompt})
        if self._grant.session:
            settings.update(self._grant.session)
        self._events = ClientEvents(
            settings,
            {"model": resolved.model, **({"note": resolved.note} if resolved.note else {})},
            send=self._send,
            submit=self._submit,
            feed_audio=self._add_audio,
            after_effects=self._after_effects,
        )
        self._send({"type": "session.created", "session": self._events.session_echo()})

    async def _carry_out(self, text: str) -> None:
        client_event_id: str | None = None
        try:
            event = read_event(text)
            given = event.get("event_id")
            client_event_id = given if isinstance(given, str) else None
            if _needs_session(event) and self.live is None:
                self._start()
                if not await self.wait_until_started():
                    return
            self._events.on_event(event)
            if self.live and event["type"].endswith("session.update"):
                self.live.reconfigure(self._events.settings.config())
                self.outbox.set_output_format(*self.output_format(self.live))
            if self.live:
                await self._feed_audio(self.live, event["type"])
        except ClientError as wrong:
            self._send(wrong.event(client_event_id))
        except (TypeError, KeyError, AttributeError, ValueError, RecursionError) as bug:
            # What nobody thought of in a client's event costs that event.
            log_session_crash(bug, self.live.spec.session_id if self.live else None)
            self.send_failure(internal_error())

    async def _feed_audio(self, live: LiveSession, event_type: str) -> None:
        """Feed the audio of an event, no faster than the engine gets it; and have the engine get a
        commit before what follows it."""
        audio, self._audio = self._audio, b""
        step = 2 * self._input_rate * STEP_S
        for start in range(0, len(audio), step):
            live.feed_audio(audio[start : start + step])
            self._unconfirmed_bytes += len(audio[start : start + step])
            if self._unconfirmed_bytes >= step:
                await live.wait_until_consumed()
                self._unconfirmed_bytes = 0
        if event_type.endswith(("buffer.commit", "buffer.clear")):
            await live.wait_until_consumed()

    def _start(self) -> None:
        """Have the session made. The ``session.update`` events before have shaped it."""
        settings, config = self._events.settings, self._events.settings.config()
        wanted = self._resolved.settings.model_copy(
            update={"system_prompt": settings.instructions[:LONGEST_PROMPT], "template_id": None}
        )
        if settings.language:
            wanted = _in_language(wanted, settings.language)
        self._input_rate = settings.input_format.rate
        is_inner = self._grant.inner

        def make() -> create.PreparedSession:
            prepare = create.prepare_without_row if is_inner else create.prepare_new
            prepared = prepare(self.user, wanted)
            return replace(
                prepared,
                spec=replace(prepared.spec, paced=False),
                config=config,
                settings=prepared.settings.model_copy(
                    update={"input_sample_rate": self._input_rate}
                ),
            )

        self.start_session(make, self._events.context)

    # What client and server events need of the session.

    def _submit(self, command: Command) -> None:
        if self.live:
            self.live.submit(command)

    def _add_audio(self, pcm: bytes) -> None:
        rate = self._events.settings.input_format.rate
        if self.live and rate != self._input_rate:
            self._input_rate = rate
            self.live.set_input_rate(rate)
        self._audio += pcm

    def _after_effects(self, act: Callable[[], None]) -> None:
        if self.live:
            self.live.after_effects(act)
        else:
            act()


def _needs_session(event: Event) -> bool:
    kind = event.get("type")
    return isinstance(kind, str) and kind.startswith(("input_audio_buffer.", "response.", "conv"))


def _in_language(wanted: SessionSettings, language: str) -> SessionSettings:
    choice: ProviderChoice = wanted.providers.stt
    stt = choice.model_copy(update={"language": language[:35]})
    return wanted.model_copy(update={"providers": wanted.providers.model_copy(update={"stt": stt})})
