"""Google's Gemini Live API, through its SDK.

A socket lasts ten minutes; the conversation goes on over the next one. The server says when it is
about to hang up (``goAway``) and gives handles by which it remembers the conversation; what it may
have missed of the turn at hand is sent again. Without a handle the connection is lost, to be opened
anew.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from google.genai import types

from interaction.core.types import INPUT_SAMPLE_RATE, CutReason, Message, ToolCall
from interaction.providers._shared.pcm import refuse_other_audio
from interaction.providers._shared.tool_call_parsing import bare_id, new_id
from interaction.providers._shared.valid_text import valid_arguments, valid_text
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderError
from interaction.providers.gemini.client import make_client
from interaction.providers.gemini.contents import contents_of
from interaction.providers.gemini.realtime_parts import (
    InputTranscripts,
    OutputResampler,
    Reply,
    cut_reason,
    seconds_of,
    usage_of,
)
from interaction.providers.gemini.realtime_socket import (
    LiveErrorMapping,
    LiveSocket,
    Send,
    connect_config,
)
from interaction.providers.realtime_protocol import (
    OutputAudio,
    OutputTranscript,
    RealtimeEvent,
    RealtimeSessionConfig,
    ResponseDone,
    SpeechStarted,
    SpeechStopped,
)

TEXT_LAG = 0.5
"""Seconds for which text of a reply may come after its audio is complete."""
RENEW_BEFORE = 3.0
"""Seconds before the announced end of a socket by which another one is opened."""
KEPT_OF_SILENCE = 16
"""Pieces of audio, half a second, that go again to a new socket while nobody speaks."""


class RealtimeModel:
    def __init__(self, config: ProviderConfig) -> None:
        self._config = config
        self._client, self._close = make_client(config)

    async def open(self, session: RealtimeSessionConfig) -> RealtimeConnection:
        connection = RealtimeConnection(self._client, self._config, session)
        try:
            await connection.connect()
        except BaseException:
            await connection.aclose()
            raise
        return connection

    async def aclose(self) -> None:
        await self._close()


class RealtimeConnection:
    """Implements ``realtime_protocol.RealtimeConnection``."""

    def __init__(self, client: Any, config: ProviderConfig, session: RealtimeSessionConfig) -> None:
        self._client = client
        self._config = config
        self._session_config = session
        self._finds_turns = session.turn_detection.engine_detects_turns
        self._errors = LiveErrorMapping("realtime", config.name)
        self._now = asyncio.get_running_loop().time
        self._inbox: asyncio.Queue[tuple[LiveSocket | None, object]] = asyncio.Queue()
        self._socket: LiveSocket | None = None
        self._sending = asyncio.Lock()
        """Held while the socket is replaced: what is to be sent meanwhile waits."""
        self._unsettled: list[Send] = []
        """What was sent of the turn at hand, which a socket that breaks may take with it."""
        self._settled = False
        """Something was sent that is no longer among ``_unsettled``."""
        self._handle = ""
        """Handle by which the session can be resumed; empty: none."""
        self._renew_at: float | None = None
        """By when another socket is wanted, in the loop's time."""
        self._broken = 0
        """Sockets in a row that broke without content."""
        self._turns = 0
        """Spoken turns that have ended."""
        self._speaking = False
        """A spoken turn is open."""
        self._transcripts = InputTranscripts()
        self._resampler = OutputResampler()
        self._reply: Reply | None = None
        """The one that is due, or comes."""
        self._previous_reply: Reply | None = None
        self._settles_at: float | None = None
        """When the reply counts as complete, though its text may not all have come."""
        self._unwanted = 0
        """Replies that were cut off and have not come or ended: they come before the others."""
        self._trailing = False
        """The mark that ends the last reply's turn is still to come."""
        self._note = ""
        """What the model must know of an interruption, until it is sent."""
        self._names: dict[str, str] = {}
        """Names of the functions it called, by the call's id."""

    async def connect(self) -> None:
        """Raises ``ProviderError``."""
        resuming = self._handle or None
        if self._settled and not resuming:
            raise self._errors.cannot_resume()
        self._socket = await LiveSocket.open(
            self._client,
            self._config.model,
            connect_config(self._config, self._session_config, resuming),
            self._errors,
            self._inbox,
        )
        self._renew_at = None
        if self._session_config.history and not resuming:
            turns: Any = contents_of(self._session_config.history)
            await self._socket.send(
                lambda session: session.send_client_content(turns=turns, turn_complete=True)
            )

    # To the provider.

    async def feed_audio(self, pcm: bytes) -> None:
        audio = types.Blob(data=pcm, mime_type=f"audio/pcm;rate={INPUT_SAMPLE_RATE}")
        await self._send(lambda session: session.send_realtime_input(audio=audio))

    async def start_turn(self) -> None:
        self._settle()
        self._speaking = True
        if note := self._pop_note():
            await self._send_note(note)
        start = types.ActivityStart()
        await self._send(lambda session: session.send_realtime_input(activity_start=start))

    async def commit_turn(self) -> None:
        self._speaking, self._unwanted = False, 0
        self._turns += 1
        self._reply = Reply()
        end = types.ActivityEnd()
        await self._send(lambda session: session.send_realtime_input(activity_end=end))

    async def discard_turn(self) -> None:
        """An open turn cannot be taken back: the conversation goes on where it was before it."""
        if self._speaking:
            self._speaking = False
            self._unsettled.clear()
            await self._renew()

    async def send_text(self, text: str) -> None:
        self._settle()
        self._reply = Reply()
        parts = [types.Part(text=line) for line in (self._pop_note(), text) if line]
        turn = types.Content(role="user", parts=parts)
        await self._send(
            lambda session: session.send_client_content(turns=turn, turn_complete=True)
        )

    async def cancel_reply(self, heard_ms: int) -> None:
        """There is no truncation: which words were heard is sent to the model later on. It goes on
        speaking, unheard, until the next turn."""
        interrupted = self._reply or self._previous_reply
        if reply := self._reply:
            self._end_reply()
            if not reply.awaits_results:
                self._unwanted += 1
                self._inbox.put_nowait((None, ResponseDone(cut_off=True)))
        if (
            interrupted
            and interrupted.started
            and (note := interrupted.interruption_note(heard_ms))
        ):
            self._note = note
        if self._finds_turns and (note := self._pop_note()):
            await self._send_note(note)

    async def send_tool_results(self, results: Sequence[Message]) -> None:
        if not (self._reply and self._reply.awaits_results):
            return
        self._reply.awaits_results = False
        answers = [
            types.FunctionResponse(
                id=bare_id(result.tool_call_id),
                name=self._names.pop(bare_id(result.tool_call_id), "tool"),
                response={"result": result.content},
            )
            for result in results
        ]
        await self._send(lambda session: session.send_tool_response(function_responses=answers))

    async def aclose(self) -> None:
        if self._socket:
            closing, self._socket = self._socket, None
            await closing.aclose()

    async def _send_note(self, note: str) -> None:
        content = types.Content(role="user", parts=[types.Part(text=note)])
        await self._send(
            lambda session: session.send_client_content(turns=content, turn_complete=False)
        )

    def _settle(self) -> None:
        self._settled = self._settled or bool(self._unsettled)
        self._unsettled.clear()

    def _pop_note(self) -> str:
        note, self._note = self._note, ""
        return note

    async def _send(self, send: Send) -> None:
        async with self._sending:
            self._unsettled.append(send)
            if self._finds_turns and not self._speaking and not self._reply:
                del self._unsettled[:-KEPT_OF_SILENCE]
            if self._socket:
                await self._socket.send(send)

    async def _renew(self) -> None:
        """Go on over another socket; raises ``ProviderError``."""
        async with self._sending:
            if self._socket:
                await self._socket.aclose()
            await self.connect()
            assert self._socket
            self._unwanted, self._trailing = 0, False
            self._transcripts.restart()
            for send in self._unsettled:
                await self._socket.send(send)

    # From the provider.

    async def events(self) -> AsyncIterator[RealtimeEvent]:
        while True:
            for event in await self._next_events():
                yield event

    async def _next_events(self) -> list[RealtimeEvent]:
        idle = not (self._reply or self._speaking or self._unwanted)
        renew_at = self._renew_at
        if renew_at is not None and (idle or self._now() >= renew_at):
            return await self._go_on(None)
        wakes = [at for at in (self._settles_at, renew_at) if at is not None]
        try:
            async with asyncio.timeout_at(min(wakes, default=None)):
                source, item = await self._inbox.get()
        except TimeoutError:
            if self._settles_at is not None and self._now() >= self._settles_at:
                self._trailing = True
                return self._reply_over()
            return []
        if source is None:
            assert isinstance(item, ResponseDone)
            return [item]
        if source is not self._socket:
            return []
        if isinstance(item, ProviderError):
            if not item.retryable or self._broken:
                raise item
            self._broken += 1
            return await self._go_on(item)
        assert isinstance(item, types.LiveServerMessage)
        with self._errors(answer_started=True):
            return self._understood(item)

    async def _go_on(self, broken: ProviderError | None) -> list[RealtimeEvent]:
        """Over another socket, because this one broke or is about to end. A reply that has started
        cannot be continued."""
        lost: list[RealtimeEvent] = []
        if self._reply and (self._reply.started or self._reply.awaits_results):
            lost = self._reply_over(error=broken or self._errors.broken_off())
        await self._renew()
        return lost

    def _understood(self, message: types.LiveServerMessage) -> list[RealtimeEvent]:
        events: list[RealtimeEvent] = []
        if (update := message.session_resumption_update) and update.new_handle:
            self._handle = update.new_handle
        if message.go_away:
            seconds = seconds_of(message.go_away.time_left or "")
            self._renew_at = self._now() + max(0.0, seconds - RENEW_BEFORE)
        if message.usage_metadata and self._reply:
            self._reply.usage = usage_of(message.usage_metadata)
        if content := message.server_content:
            self._broken = 0
            events += self._content(content)
        if message.tool_call and message.tool_call.function_calls:
            events += self._tool_calls(message.tool_call.function_calls)
        if message.tool_call_cancellation and self._reply and self._reply.awaits_results:
            events += self._reply_over(cut_off=True)
        return events

    def _content(self, content: types.LiveServerContent) -> list[RealtimeEvent]:
        events: list[RealtimeEvent] = []
        if content.input_transcription:
            events += self._input_transcript(content.input_transcription)
        for part in (content.model_turn and content.model_turn.parts) or ():
            if part.inline_data and part.inline_data.data:
                events += self._output_audio(part.inline_data)
        if content.output_transcription and content.output_transcription.text:
            events += self._output_text(content.output_transcription.text)
        if content.interrupted:
            events += self._interrupted()
        if content.generation_complete:
            self._generation_complete()
        thinking_on = content.interaction_status == types.InteractionStatus.IN_PROGRESS
        if content.turn_complete and not thinking_on:
            events += self._turn_complete(cut_reason(content.turn_complete_reason))
        return events

    def _input_transcript(self, piece: types.Transcription) -> list[RealtimeEvent]:
        events: list[RealtimeEvent] = []
        answered = self._reply or self._trailing or self._unwanted
        if self._finds_turns and not self._speaking and not answered:
            self._speaking = True
            events.append(SpeechStarted())
        turn = self._turns if self._speaking else self._turns - 1
        return [*events, *self._transcripts.feed(turn, piece)]

    def _output_events(self, *, audible: bool) -> list[RealtimeEvent] | None:
        """More of a reply has come; None where it is not wanted."""
        if self._unwanted:
            return None
        events: list[RealtimeEvent] = []
        if self._reply is None:
            if not self._finds_turns or (self._trailing and not audible):
                return None
            self._trailing = False
            self._reply = Reply()
            if self._speaking:
                self._speaking = False
                self._turns += 1
                events.append(SpeechStopped())
        if not self._reply.started:
            self._reply.started = True
            self._settle()
        return events

    def _output_audio(self, audio: types.Blob) -> list[RealtimeEvent]:
        events = self._output_events(audible=True)
        if events is None:
            return []
        assert self._reply
        if not self._reply.pcm_bytes:
            refuse_other_audio(audio.data or b"", self._errors)
        pcm = self._resampler.feed(audio)
        self._reply.pcm_bytes += len(pcm)
        return [*events, OutputAudio(pcm)]

    def _output_text(self, delta: str) -> list[RealtimeEvent]:
        events = self._output_events(audible=False)
        if events is None:
            return []
        assert self._reply
        if text := self._reply.text.feed(delta):
            events.append(OutputTranscript(text))
        return events

    def _tool_calls(self, called: list[types.FunctionCall]) -> list[RealtimeEvent]:
        events = self._output_events(audible=True)
        if events is None:
            return []
        assert self._reply
        made = []
        for call in called:
            if call.name:
                id_, name = valid_text(call.id or new_id()), valid_text(call.name)
                self._names[id_] = name
                arguments = valid_arguments(json.dumps(call.args or {}))
                made.append(ToolCall(id_, name, arguments))
        self._reply.awaits_results = True
        self._settles_at = None
        rest = [*self._rest_of_text(self._reply), *self._transcripts.finish()]
        return [*events, *rest, ResponseDone(tuple(made), usage=self._reply.usage)]

    def _interrupted(self) -> list[RealtimeEvent]:
        events = self._transcripts.finish()
        if self._unwanted:
            # Not of one whose turn alone was not over.
            self._unwanted -= not self._trailing
        elif self._finds_turns and not self._speaking:
            self._speaking = True
            events.append(SpeechStarted())
        self._trailing = True
        if self._reply and self._reply.started:
            events += self._reply_over(cut_off=True)
        return events

    def _generation_complete(self) -> None:
        if self._unwanted:
            self._unwanted, self._trailing = self._unwanted - 1, True
        elif self._reply and self._reply.started and not self._reply.awaits_results:
            self._settles_at = self._now() + TEXT_LAG

    def _turn_complete(self, cut: CutReason | None) -> list[RealtimeEvent]:
        if self._unwanted or self._trailing:
            self._unwanted -= not self._trailing
            self._trailing = False
            return self._transcripts.finish()
        if self._reply and not self._reply.awaits_results:
            return self._reply_over(cut=cut)
        return []

    def _reply_over(
        self,
        *,
        cut_off: bool = False,
        error: ProviderError | None = None,
        cut: CutReason | None = None,
    ) -> list[RealtimeEvent]:
        """The reply has come whole, or no more of it comes."""
        reply = self._end_reply()
        done = ResponseDone(cut_off=cut_off, error=error, usage=reply.usage, cut=cut)
        return [*self._rest_of_text(reply), *self._transcripts.finish(), done]

    def _rest_of_text(self, reply: Reply) -> list[RealtimeEvent]:
        """What still waits for the other half of a character; no more text comes for now."""
        rest = reply.text.finish()
        return [OutputTranscript(rest)] if rest else []

    def _end_reply(self) -> Reply:
        assert self._reply
        reply, self._previous_reply, self._reply = self._reply, self._reply, None
        self._settles_at = None
        return reply
