"""OpenAI's Realtime API (GA) through its SDK: OpenAI, Azure, and every server that speaks it.

Azure: the address of its v1 API, ``https://<resource>.openai.azure.com/openai/v1``, and its key.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from interaction.audio.resample import Resampler
from interaction.core.types import INPUT_SAMPLE_RATE, Message, ToolCall
from interaction.providers.base import (
    LineEvent,
    LineTerms,
    ProviderConfig,
    ReplyDone,
    SpeechBegan,
    SpeechOver,
    SpokenText,
    Usage,
    Voice,
    Words,
)
from interaction.providers.errors import ProviderError, ProviderUnauthorized, ProviderUnavailable
from interaction.providers.openai_client import OpenAIBlame, make
from interaction.providers.openai_parts import RATE, items, session

OPENS_WITHIN = 10.0
CLOSES_WITHIN = 1.0
LONGEST_MESSAGE = 24 * 1024 * 1024
COMMIT, RESPOND = "parley_commit", "parley_respond"
"""Ids of those of our events that a reply depends on: an error names the event it is about."""
STILL_BUSY = "conversation_already_has_active_response"
Fate = Literal["wanted", "stopped", "unwanted"]
"""``stopped`` before it began: it is cancelled, which is told as its end. Of an ``unwanted`` one
nothing is told."""
HEARD = "conversation.item.input_audio_transcription."


@dataclass(eq=False, slots=True)
class Asked:
    """A response that was asked for and not created yet. They are created, or refused, in order."""

    fate: Fate = "wanted"
    refused: bool = False
    """It was asked for too early: another one was still in progress."""


class RealtimeBlame(OpenAIBlame):
    def translate(self, error: Exception, *, begun: bool) -> ProviderError | None:
        match error:
            case InvalidStatus():
                return self.status(error.response.status_code)
            case ConnectionClosed() if error.rcvd and error.rcvd.code in (1008, 4401, 4403):
                return self.unauthorized(f"({error.rcvd.code})")
            case ConnectionClosed():
                return self.error(ProviderUnavailable, "hung up")
        if told := super().translate(error, begun=begun):
            return told
        # Its events are not validated: what is missing in one shows where it is used.
        wrong = (WebSocketException, ValueError, TypeError, AttributeError, KeyError)
        return self.nonsense() if isinstance(error, wrong) else None


class RealtimeModel:
    def __init__(self, config: ProviderConfig) -> None:
        self._config = config
        self._client, self._close = make(config)

    async def open(self, terms: LineTerms) -> RealtimeLine:
        blame = RealtimeBlame("realtime", self._config.name)
        with blame(begun=False):
            async with asyncio.timeout(OPENS_WITHIN):
                manager = self._client.realtime.connect(
                    model=self._config.model,
                    max_retries=0,
                    websocket_connection_options={
                        "max_size": LONGEST_MESSAGE,
                        "compression": None,
                    },
                )
                connection = await manager.enter()
                line = RealtimeLine(connection, blame, terms)
                try:
                    await line.agree(session(self._config, terms))
                except BaseException:
                    await line.aclose()
                    raise
        return line

    async def aclose(self) -> None:
        await self._close()


class RealtimeLine:
    """Implements ``providers.base.RealtimeLine``."""

    def __init__(
        self, connection: AsyncRealtimeConnection, blame: RealtimeBlame, terms: LineTerms
    ) -> None:
        self._connection = connection
        self._blame = blame
        self._terms = terms
        self._finds_turns = terms.turns.engine_detects_turns
        self._resampler = Resampler(INPUT_SAMPLE_RATE, RATE)
        self._turns: dict[str, int] = {}
        """Number of each committed item."""
        self._words: dict[str, str] = {}
        self._asked: list[Asked] = []
        self._fate: Fate = "wanted"
        """Of the response in progress, or that was last."""
        self._response = ""
        """Of the response in progress."""
        self._said: dict[str, int] = {}
        """Bytes of audio of each message of the reply, whose responses may be several."""
        self._unheard: list[str] = []
        """Messages of a response that began after it was stopped."""

    async def agree(self, session: dict[str, Any]) -> None:
        """Have the session set up; raises ``ProviderError`` where it is refused."""
        await self._send({"type": "session.update", "session": session})
        for message in self._terms.history:
            for item in items(message):
                await self._send({"type": "conversation.item.create", "item": item})
        while (event := await self._connection.recv()).type != "session.updated":
            if event.type == "error":
                raise self._blame.told(event.error.code or event.error.type or "")

    # What is said to the provider.

    async def hear(self, pcm: bytes) -> None:
        await self._append(self._resampler.feed(pcm))

    async def begin(self) -> None:
        self._resampler = Resampler(INPUT_SAMPLE_RATE, RATE)

    async def end(self) -> None:
        await self._append(self._resampler.finish())
        self._resampler = Resampler(INPUT_SAMPLE_RATE, RATE)
        await self._send({"type": "input_audio_buffer.commit", "event_id": COMMIT})
        self._said.clear()
        await self._respond()

    async def forget(self) -> None:
        await self._send({"type": "input_audio_buffer.clear"})

    async def say(self, text: str) -> None:
        for item in items(Message("user", text)):
            await self._send({"type": "conversation.item.create", "item": item})
        self._said.clear()
        await self._respond()

    async def stop(self, heard_ms: int) -> None:
        if self._asked and self._asked[-1].fate == "wanted":
            self._asked[-1].fate = "stopped"
        elif self._response:
            self._fate = "stopped"
            await self._send({"type": "response.cancel"})
        said, self._said = self._said, {}
        for number, (item, length) in enumerate(said.items(), 1):
            said_ms = 1000 * length // 2 // RATE
            # More of the last one may be on its way.
            if heard_ms < said_ms or number == len(said):
                await self._truncate(item, min(heard_ms, said_ms))
            heard_ms = max(0, heard_ms - said_ms)

    async def results(self, results: Sequence[Message]) -> None:
        for result in results:
            for item in items(result):
                await self._send({"type": "conversation.item.create", "item": item})
        await self._respond()

    async def aclose(self) -> None:
        try:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSES_WITHIN):
                    await self._connection.close()
        finally:
            # What is still being sent over a network that stalls would wait on.
            self._connection._connection.transport.abort()

    async def _respond(self) -> None:
        self._asked.append(Asked())
        await self._send({"type": "response.create", "event_id": RESPOND})

    def _next_asked(self) -> Asked | None:
        """The one that the provider's next word is about."""
        return next((asked for asked in self._asked if not asked.refused), None)

    async def _ask_again(self, asked: Asked) -> list[LineEvent]:
        """None is in progress now; who has stopped it meanwhile is told its end."""
        if asked.fate == "wanted":
            asked.refused = False
            await self._send({"type": "response.create", "event_id": RESPOND})
            return []
        self._asked.remove(asked)
        return [ReplyDone(cut_off=True)] if asked.fate == "stopped" else []

    async def _truncate(self, item: str, heard_ms: int) -> None:
        where = {"item_id": item, "content_index": 0, "audio_end_ms": heard_ms}
        await self._send({"type": "conversation.item.truncate", **where})

    async def _append(self, pcm: bytes) -> None:
        if pcm:
            audio = base64.b64encode(pcm).decode()
            await self._send({"type": "input_audio_buffer.append", "audio": audio})

    async def _send(self, event: Any) -> None:
        with self._blame(begun=True):
            await self._connection.send(event)

    # What the provider says.

    async def events(self) -> AsyncIterator[LineEvent]:
        while True:
            with self._blame(begun=True):
                event = await self._connection.recv()
                told = [one async for one in self._understood(event)]
            for one in told:
                yield one

    async def _understood(self, event: Any) -> AsyncIterator[LineEvent]:
        match event.type:
            case "input_audio_buffer.speech_started" if self._finds_turns:
                yield SpeechBegan()
            case "input_audio_buffer.speech_stopped" if self._finds_turns:
                yield SpeechOver()
            case "input_audio_buffer.committed":
                self._turns[event.item_id] = len(self._turns)
            case "response.created":
                await self._created(event.response.id or "")
            case _ if self._fate == "unwanted" and event.type.startswith("response."):
                if event.type == "response.done":
                    for again in await self._over():
                        yield again
            case "response.output_item.added" if event.item.type == "message" and event.item.id:
                if self._fate == "stopped":
                    self._unheard.append(event.item.id)
                else:
                    self._said[event.item.id] = 0
            case "response.output_audio.delta":
                pcm = base64.b64decode(event.delta)
                if event.item_id in self._said:
                    self._said[event.item_id] += len(pcm)
                yield Voice(pcm)
            case "response.output_audio_transcript.delta" | "response.output_text.delta":
                if event.delta:
                    yield SpokenText(event.delta)
            case "response.done":
                yield self._done(event.response)
                for again in await self._over():
                    yield again
            case "error":
                for wrong in await self._wrong(event.error):
                    yield wrong
            case str(kind) if kind.startswith(HEARD):
                if words := self._heard(kind.removeprefix(HEARD), event):
                    yield words

    async def _created(self, response_id: str) -> None:
        self._response = response_id
        if asked := self._next_asked():
            self._asked.remove(asked)
            self._fate = asked.fate
        else:
            self._fate = "wanted"
            self._said.clear()
        if self._fate != "wanted":
            await self._send({"type": "response.cancel"})

    async def _over(self) -> list[LineEvent]:
        self._response, self._fate = "", "wanted"
        unheard, self._unheard = self._unheard, []
        for item in unheard:
            await self._truncate(item, 0)
        refused = [asked for asked in self._asked if asked.refused]
        return [event for asked in refused for event in await self._ask_again(asked)]

    def _heard(self, kind: str, event: Any) -> Words | None:
        turn = self._turns.get(event.item_id)
        if turn is None or kind not in ("delta", "completed"):
            return None
        if kind == "completed":
            self._words.pop(event.item_id, None)
            return Words(turn, event.transcript.strip(), final=True)
        text = self._words[event.item_id] = self._words.get(event.item_id, "") + (event.delta or "")
        return Words(turn, text, final=False)

    def _done(self, response: Any) -> ReplyDone:
        counted = response.usage
        usage = (
            Usage(counted.input_tokens or 0, counted.output_tokens or 0)
            if counted and counted.total_tokens
            else None
        )
        if response.status == "cancelled":
            return ReplyDone(cut_off=True, usage=usage)
        if response.status == "failed":
            error = getattr(response.status_details, "error", None)
            word = getattr(error, "code", None) or getattr(error, "type", None) or ""
            return ReplyDone(error=self._blame.told(word), usage=usage)
        calls = tuple(
            ToolCall(item.call_id, item.name, item.arguments or "{}")
            for item in response.output or ()
            if item.type == "function_call" and item.call_id and item.name
        )
        return ReplyDone(calls, usage=usage)

    async def _wrong(self, error: Any) -> list[LineEvent]:
        """An error that is told in the middle: of the key's, it ends the line."""
        code = error.code or error.type or ""
        told = self._blame.told(code)
        if isinstance(told, ProviderUnauthorized):
            raise told
        if error.event_id == COMMIT and self._asked:
            # The response will come all the same, to a turn that is not there.
            self._asked[-1].fate = "unwanted"
            return [ReplyDone(error=told)]
        if error.event_id != RESPOND or not (asked := self._next_asked()):
            return []
        if code == STILL_BUSY:
            asked.refused = True
            in_vain = asked.fate != "wanted"
            return await self._ask_again(asked) if in_vain or not self._response else []
        self._asked.remove(asked)
        return [ReplyDone(error=told)] if asked.fate != "unwanted" else []
