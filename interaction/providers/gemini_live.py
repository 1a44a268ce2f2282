"""Google's Gemini Live API, through its SDK.

A connection lasts ten minutes; the conversation goes on over the next one. The server says when it
is about to hang up (``goAway``) and gives handles by which it remembers what was said; what it may
have missed of the turn at hand is sent again. Without a handle the line is lost, to be opened anew.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from google.genai import types

from interaction.core.types import INPUT_SAMPLE_RATE, Message, ToolCall
from interaction.providers import calls
from interaction.providers.base import (
    LineEvent,
    LineTerms,
    ProviderConfig,
    ReplyDone,
    SpeechBegan,
    SpeechOver,
    SpokenText,
    Voice,
)
from interaction.providers.errors import ProviderError
from interaction.providers.gemini import contents, make
from interaction.providers.gemini_connection import Connection, LiveBlame, Sending, setup
from interaction.providers.gemini_parts import Heard, Reply, Sound, usage

LAGGARDS = 0.5
"""Seconds for which words of a reply may come after its audio is complete."""
SPARE = 3.0
"""Seconds before the announced end of a connection by which another one is opened."""
NOT_SURE = 16
"""Pieces of audio, half a second, that go again to a new connection while nobody speaks."""


class RealtimeModel:
    def __init__(self, config: ProviderConfig) -> None:
        self._config = config
        self._client, self._close = make(config)

    async def open(self, terms: LineTerms) -> RealtimeLine:
        line = RealtimeLine(self._client, self._config, terms)
        await line.connect()
        return line

    async def aclose(self) -> None:
        await self._close()


class RealtimeLine:
    """Implements ``providers.base.RealtimeLine``."""

    def __init__(self, client: Any, config: ProviderConfig, terms: LineTerms) -> None:
        self._client = client
        self._config = config
        self._terms = terms
        self._finds_turns = terms.turns.engine_detects_turns
        self._blame = LiveBlame("realtime", config.name)
        self._now = asyncio.get_running_loop().time
        self._inbox: asyncio.Queue[tuple[Connection | None, object]] = asyncio.Queue()
        self._connection: Connection | None = None
        self._sending = asyncio.Lock()
        """Held while the connection is replaced: what is said meanwhile waits."""
        self._unsettled: list[Sending] = []
        """Of the turn at hand, which a connection that breaks may take with it."""
        self._settled = False
        """Something was said over the line that is no longer among it."""
        self._handle = ""
        self._leave_at: float | None = None
        """By when another connection is wanted."""
        self._broken = 0
        """Connections in a row that broke without a word."""
        self._turns = 0
        """Spoken turns that have ended."""
        self._speaking = False
        """A spoken turn is open."""
        self._words = Heard()
        self._voice = Sound()
        self._reply: Reply | None = None
        """The one that is due, or comes."""
        self._said: Reply | None = None
        """The one before."""
        self._settles_at: float | None = None
        """When the reply is over, though its words may not all have come."""
        self._unwanted = 0
        """Replies that were cut off, and are still to come or to end: they come before the rest."""
        self._trailing = False
        """The mark that ends the last reply's turn is still to come."""
        self._note = ""
        """What the model must know of an interruption."""
        self._names: dict[str, str] = {}
        """Of the functions it called, by the call's id."""

    async def connect(self) -> None:
        """Raises ``ProviderError``."""
        resuming = self._handle or None
        if self._settled and not resuming:
            raise self._blame.cannot_resume()
        self._connection = await Connection.open(
            self._client,
            self._config.model,
            setup(self._config, self._terms, resuming),
            self._blame,
            self._inbox,
        )
        self._leave_at = None
        if self._terms.history and not resuming:
            turns: Any = contents(self._terms.history)
            await self._connection.send(
                lambda session: session.send_client_content(turns=turns, turn_complete=True)
            )

    # What is said to the provider.

    async def hear(self, pcm: bytes) -> None:
        audio = types.Blob(data=pcm, mime_type=f"audio/pcm;rate={INPUT_SAMPLE_RATE}")
        await self._send(lambda session: session.send_realtime_input(audio=audio))

    async def begin(self) -> None:
        self._settle()
        self._speaking = True
        if note := self._take_note():
            await self._tell_between(note)
        start = types.ActivityStart()
        await self._send(lambda session: session.send_realtime_input(activity_start=start))

    async def end(self) -> None:
        self._speaking, self._unwanted = False, 0
        self._turns += 1
        self._reply = Reply()
        end = types.ActivityEnd()
        await self._send(lambda session: session.send_realtime_input(activity_end=end))

    async def forget(self) -> None:
        """An open turn cannot be taken back: the conversation goes on where it was before it."""
        if self._speaking:
            self._speaking = False
            self._unsettled.clear()
            await self._renew()

    async def say(self, text: str) -> None:
        self._settle()
        self._reply = Reply()
        parts = [types.Part(text=line) for line in (self._take_note(), text) if line]
        turn = types.Content(role="user", parts=parts)
        await self._send(
            lambda session: session.send_client_content(turns=turn, turn_complete=True)
        )

    async def stop(self, heard_ms: int) -> None:
        """There is no truncation: what the person did not hear is told to the model later on. It
        goes on speaking, unheard, until the next turn."""
        said = self._reply or self._said
        if reply := self._reply:
            self._over(cut_off=True, told=True)
            if not reply.awaits_results:
                self._unwanted += 1
                self._inbox.put_nowait((None, ReplyDone(cut_off=True)))
        if said and said.begun and (note := said.interrupted(heard_ms)):
            self._note = note
        if self._finds_turns and (note := self._take_note()):
            await self._tell_between(note)

    async def results(self, results: Sequence[Message]) -> None:
        if not (self._reply and self._reply.awaits_results):
            return
        self._reply.awaits_results = False
        answers = [
            types.FunctionResponse(
                id=calls.bare(result.tool_call_id),
                name=self._names.pop(calls.bare(result.tool_call_id), "tool"),
                response={"result": result.content},
            )
            for result in results
        ]
        await self._send(lambda session: session.send_tool_response(function_responses=answers))

    async def aclose(self) -> None:
        if self._connection:
            connection, self._connection = self._connection, None
            await connection.aclose()

    async def _tell_between(self, note: str) -> None:
        content = types.Content(role="user", parts=[types.Part(text=note)])
        await self._send(
            lambda session: session.send_client_content(turns=content, turn_complete=False)
        )

    def _settle(self) -> None:
        self._settled = self._settled or bool(self._unsettled)
        self._unsettled.clear()

    def _take_note(self) -> str:
        note, self._note = self._note, ""
        return note

    async def _send(self, sending: Sending) -> None:
        async with self._sending:
            self._unsettled.append(sending)
            if self._finds_turns and not self._speaking and not self._reply:
                del self._unsettled[:-NOT_SURE]
            if self._connection:
                await self._connection.send(sending)

    async def _renew(self) -> None:
        """Go on over another connection; raises ``ProviderError``."""
        async with self._sending:
            if self._connection:
                await self._connection.aclose()
            await self.connect()
            assert self._connection
            self._unwanted, self._trailing = 0, False
            self._words.forget()
            for sending in self._unsettled:
                await self._connection.send(sending)

    # What the provider says.

    async def events(self) -> AsyncIterator[LineEvent]:
        while True:
            for event in await self._next():
                yield event

    async def _next(self) -> list[LineEvent]:
        idle = not (self._reply or self._speaking or self._unwanted)
        leaving = self._leave_at
        if leaving is not None and (idle or self._now() >= leaving):
            return await self._go_on(None)
        wakes = [at for at in (self._settles_at, leaving) if at is not None]
        try:
            async with asyncio.timeout_at(min(wakes, default=None)):
                source, item = await self._inbox.get()
        except TimeoutError:
            if self._settles_at is not None and self._now() >= self._settles_at:
                self._trailing = True
                return self._over()
            return []
        if source is None:
            assert isinstance(item, ReplyDone)
            return [item]
        if source is not self._connection:
            return []
        if isinstance(item, ProviderError):
            if not item.retryable or self._broken:
                raise item
            self._broken += 1
            return await self._go_on(item)
        assert isinstance(item, types.LiveServerMessage)
        with self._blame(begun=True):
            return self._understood(item)

    async def _go_on(self, broken: ProviderError | None) -> list[LineEvent]:
        """Over another connection, because this one broke or is about to end. A reply that has
        begun cannot be continued."""
        lost: list[LineEvent] = []
        if self._reply and (self._reply.begun or self._reply.awaits_results):
            lost = self._over(error=broken or self._blame.cut())
        await self._renew()
        return lost

    def _understood(self, message: types.LiveServerMessage) -> list[LineEvent]:
        events: list[LineEvent] = []
        if (update := message.session_resumption_update) and update.new_handle:
            self._handle = update.new_handle
        if message.go_away:
            seconds = float((message.go_away.time_left or "0").rstrip("s"))
            self._leave_at = self._now() + max(0.0, seconds - SPARE)
        if message.usage_metadata and self._reply:
            self._reply.usage = usage(message.usage_metadata)
        if content := message.server_content:
            self._broken = 0
            events += self._content(content)
        if message.tool_call and message.tool_call.function_calls:
            events += self._called(message.tool_call.function_calls)
        if message.tool_call_cancellation and self._reply and self._reply.awaits_results:
            events += self._over(cut_off=True)
        return events

    def _content(self, content: types.LiveServerContent) -> list[LineEvent]:
        events: list[LineEvent] = []
        if content.input_transcription:
            events += self._heard(content.input_transcription)
        for part in (content.model_turn and content.model_turn.parts) or ():
            if part.inline_data and part.inline_data.data:
                events += self._spoken(part.inline_data)
        if content.output_transcription and content.output_transcription.text:
            events += self._written(content.output_transcription.text)
        if content.interrupted:
            events += self._interrupted()
        if content.generation_complete:
            self._generated()
        thinking_on = content.interaction_status == types.InteractionStatus.IN_PROGRESS
        if content.turn_complete and not thinking_on:
            events += self._turn_complete()
        return events

    def _heard(self, said: types.Transcription) -> list[LineEvent]:
        events: list[LineEvent] = []
        answered = self._reply or self._trailing or self._unwanted
        if self._finds_turns and not self._speaking and not answered:
            self._speaking = True
            events.append(SpeechBegan())
        turn = self._turns if self._speaking else self._turns - 1
        return [*events, *self._words.take(turn, said)]

    def _begun(self, *, audible: bool) -> list[LineEvent] | None:
        """More of a reply has come; None where it is not wanted."""
        if self._unwanted:
            return None
        events: list[LineEvent] = []
        if self._reply is None:
            if not self._finds_turns or (self._trailing and not audible):
                return None
            self._trailing = False
            self._reply = Reply()
            if self._speaking:
                self._speaking = False
                self._turns += 1
                events.append(SpeechOver())
        if not self._reply.begun:
            self._reply.begun = True
            self._settle()
        return events

    def _spoken(self, sound: types.Blob) -> list[LineEvent]:
        events = self._begun(audible=True)
        if events is None:
            return []
        assert self._reply
        pcm = self._voice.take(sound)
        self._reply.pcm_bytes += len(pcm)
        return [*events, Voice(pcm)]

    def _written(self, text: str) -> list[LineEvent]:
        events = self._begun(audible=False)
        if events is None:
            return []
        assert self._reply
        self._reply.text += text
        return [*events, SpokenText(text)]

    def _called(self, asked: list[types.FunctionCall]) -> list[LineEvent]:
        events = self._begun(audible=True)
        if events is None:
            return []
        assert self._reply
        made = []
        for call in asked:
            if call.name:
                id_ = call.id or calls.new_id()
                self._names[id_] = call.name
                made.append(ToolCall(id_, call.name, json.dumps(call.args or {})))
        self._reply.awaits_results = True
        self._settles_at = None
        return [*events, *self._words.final(), ReplyDone(tuple(made), usage=self._reply.usage)]

    def _interrupted(self) -> list[LineEvent]:
        events = self._words.final()
        if self._unwanted:
            # Not of one whose turn alone was not over.
            self._unwanted -= not self._trailing
        elif self._finds_turns and not self._speaking:
            self._speaking = True
            events.append(SpeechBegan())
        self._trailing = True
        if self._reply and self._reply.begun:
            events += self._over(cut_off=True)
        return events

    def _generated(self) -> None:
        if self._unwanted:
            self._unwanted, self._trailing = self._unwanted - 1, True
        elif self._reply and self._reply.begun and not self._reply.awaits_results:
            self._settles_at = self._now() + LAGGARDS

    def _turn_complete(self) -> list[LineEvent]:
        if self._unwanted or self._trailing:
            self._unwanted -= not self._trailing
            self._trailing = False
            return self._words.final()
        if self._reply and not self._reply.awaits_results:
            return self._over()
        return []

    def _over(
        self, *, cut_off: bool = False, error: ProviderError | None = None, told: bool = False
    ) -> list[LineEvent]:
        """The reply has come whole, or no more of it comes. ``told``: it is known already."""
        assert self._reply
        self._said, self._reply = self._reply, None
        self._settles_at = None
        if told:
            return []
        done = ReplyDone(cut_off=cut_off, error=error, usage=self._said.usage)
        return [*self._words.final(), done]
