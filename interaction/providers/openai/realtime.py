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
from interaction.core.types import INPUT_SAMPLE_RATE, CutReason, Message, ToolCall
from interaction.providers._shared.pcm import refuse_other_audio
from interaction.providers._shared.valid_text import ValidTextStream, valid_arguments, valid_text
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderError, ProviderUnauthorized, ProviderUnavailable
from interaction.providers.openai.client import OpenAIErrorMapping, make_client
from interaction.providers.openai.realtime_messages import (
    RATE,
    conversation_items,
    session_object,
)
from interaction.providers.realtime_protocol import (
    InputTranscript,
    OutputAudio,
    OutputTranscript,
    RealtimeEvent,
    RealtimeSessionConfig,
    ResponseDone,
    SpeechStarted,
    SpeechStopped,
)
from interaction.providers.stage_protocols import Usage

OPENS_WITHIN = 10.0
CLOSES_WITHIN = 1.0
"""Seconds."""
MOST_OPEN_TURNS = 32
"""Turns whose transcripts may still come."""
LONGEST_MESSAGE = 24 * 1024 * 1024
"""Bytes."""
COMMIT_ID, RESPONSE_ID = "parley_commit", "parley_respond"
"""Ids of the client events that a reply depends on: an error names the event it is about."""
RESPONSE_ACTIVE = "conversation_already_has_active_response"
Fate = Literal["wanted", "cancelled", "unwanted"]
"""What becomes of a response: ``cancelled`` before it was created, it is cancelled then, and its
``ResponseDone`` still comes. Of an ``unwanted`` one no event comes."""
CUT_REASONS: dict[str, CutReason] = {
    "max_output_tokens": "length",
    "content_filter": "content_filter",
}
"""By the reason of a response that is ``incomplete``."""
TRANSCRIPTION = "conversation.item.input_audio_transcription."


@dataclass(eq=False, slots=True)
class PendingResponse:
    """A response that was asked for and not created yet. They are created, or refused, in order."""

    fate: Fate = "wanted"
    refused: bool = False
    """It was asked for too early: another one was still in progress."""


class RealtimeErrorMapping(OpenAIErrorMapping):
    def translate(self, error: Exception, *, answer_started: bool) -> ProviderError | None:
        match error:
            case InvalidStatus():
                return self.http_status(error.response.status_code)
            case ConnectionClosed() if error.rcvd and error.rcvd.code in (1008, 4401, 4403):
                return self.unauthorized(f"({error.rcvd.code})")
            case ConnectionClosed():
                return self.error(ProviderUnavailable, "hung up")
        if translated := super().translate(error, answer_started=answer_started):
            return translated
        # Its events are not validated: what is missing in one shows where it is used.
        wrong = (WebSocketException, ValueError, TypeError, AttributeError, KeyError)
        return self.unintelligible() if isinstance(error, wrong) else None


class RealtimeModel:
    def __init__(self, config: ProviderConfig) -> None:
        self._config = config
        self._client, self._close = make_client(config)

    async def open(self, session: RealtimeSessionConfig) -> RealtimeConnection:
        errors = RealtimeErrorMapping("realtime", self._config.name)
        with errors(answer_started=False):
            async with asyncio.timeout(OPENS_WITHIN):
                manager = self._client.realtime.connect(
                    model=self._config.model,
                    max_retries=0,
                    websocket_connection_options={
                        "max_size": LONGEST_MESSAGE,
                        "compression": None,
                    },
                )
                connection = RealtimeConnection(await manager.enter(), errors, session)
                try:
                    await connection.set_up(session_object(self._config, session))
                except BaseException:
                    await connection.aclose()
                    raise
        return connection

    async def aclose(self) -> None:
        await self._close()


class RealtimeConnection:
    """Implements ``realtime_protocol.RealtimeConnection``."""

    def __init__(
        self,
        connection: AsyncRealtimeConnection,
        errors: RealtimeErrorMapping,
        session: RealtimeSessionConfig,
    ) -> None:
        self._connection = connection
        self._errors = errors
        self._history = session.history
        self._finds_turns = session.turn_detection.engine_detects_turns
        self._resampler = Resampler(INPUT_SAMPLE_RATE, RATE)
        self._committed = 0
        """Turns of the person's so far."""
        self._turns: dict[str, int] = {}
        """Number of the person's turn by its item's id, until its transcript is complete."""
        self._transcripts: dict[str, ValidTextStream] = {}
        """Input transcript so far, by the item's id, until it is complete."""
        self._pending: list[PendingResponse] = []
        self._fate: Fate = "wanted"
        """Fate of the response in progress, or of the last one."""
        self._response = ""
        """Id of the response in progress."""
        self._output_text = ValidTextStream()
        """Text of the response in progress."""
        self._odd_byte = b""
        """Half of a sample: the other half is in the next piece of audio."""
        self._audio_bytes: dict[str, int] = {}
        """Bytes of audio by the id of each message of the reply, whose responses may be several."""
        self._never_played: list[str] = []
        """Ids of the messages of a response that was created after it was cancelled."""

    async def set_up(self, session: dict[str, Any]) -> None:
        """Have the session set up; raises ``ProviderError`` where it is refused."""
        await self._send({"type": "session.update", "session": session})
        for message in self._history:
            for item in conversation_items(message):
                await self._send({"type": "conversation.item.create", "item": item})
        while (event := await self._connection.recv()).type != "session.updated":
            if event.type == "error":
                raise self._errors.error_code(event.error.code or event.error.type or "")

    # To the provider.

    async def feed_audio(self, pcm: bytes) -> None:
        await self._append(self._resampler.feed(pcm))

    async def start_turn(self) -> None:
        self._resampler = Resampler(INPUT_SAMPLE_RATE, RATE)

    async def commit_turn(self) -> None:
        await self._append(self._resampler.finish())
        self._resampler = Resampler(INPUT_SAMPLE_RATE, RATE)
        await self._send({"type": "input_audio_buffer.commit", "event_id": COMMIT_ID})
        self._audio_bytes.clear()
        await self._respond()

    async def discard_turn(self) -> None:
        await self._send({"type": "input_audio_buffer.clear"})

    async def send_text(self, text: str) -> None:
        for item in conversation_items(Message("user", text)):
            await self._send({"type": "conversation.item.create", "item": item})
        self._audio_bytes.clear()
        await self._respond()

    async def cancel_reply(self, heard_ms: int) -> None:
        if self._pending and self._pending[-1].fate == "wanted":
            self._pending[-1].fate = "cancelled"
        elif self._response:
            self._fate = "cancelled"
            await self._send({"type": "response.cancel"})
        messages, self._audio_bytes = self._audio_bytes, {}
        for number, (item, length) in enumerate(messages.items(), 1):
            audio_ms = 1000 * length // 2 // RATE
            # More of the last one may be on its way.
            if heard_ms < audio_ms or number == len(messages):
                await self._truncate(item, min(heard_ms, audio_ms))
            heard_ms = max(0, heard_ms - audio_ms)

    async def send_tool_results(self, results: Sequence[Message]) -> None:
        for result in results:
            for item in conversation_items(result):
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
        self._pending.append(PendingResponse())
        await self._send({"type": "response.create", "event_id": RESPONSE_ID})

    def _next_pending(self) -> PendingResponse | None:
        """The one that the provider's next event is about."""
        return next((one for one in self._pending if not one.refused), None)

    async def _ask_again(self, pending: PendingResponse) -> list[RealtimeEvent]:
        """No response is in progress any more; one that was cancelled meanwhile is done."""
        if pending.fate == "wanted":
            pending.refused = False
            await self._send({"type": "response.create", "event_id": RESPONSE_ID})
            return []
        self._pending.remove(pending)
        return [ResponseDone(cut_off=True)] if pending.fate == "cancelled" else []

    async def _truncate(self, item: str, heard_ms: int) -> None:
        where = {"item_id": item, "content_index": 0, "audio_end_ms": heard_ms}
        await self._send({"type": "conversation.item.truncate", **where})

    async def _append(self, pcm: bytes) -> None:
        if pcm:
            audio = base64.b64encode(pcm).decode()
            await self._send({"type": "input_audio_buffer.append", "audio": audio})

    async def _send(self, event: Any) -> None:
        with self._errors(answer_started=True):
            await self._connection.send(event)

    # From the provider.

    async def events(self) -> AsyncIterator[RealtimeEvent]:
        while True:
            with self._errors(answer_started=True):
                understood = await self._next_events()
            for one in understood:
                yield one

    async def _next_events(self) -> list[RealtimeEvent]:
        """The provider's next event, as far as it is understood. What is no event, or lacks what it
        should have, is passed over: events are not validated, so that shows where it is used."""
        understood: list[RealtimeEvent] = []
        with contextlib.suppress(ValueError, TypeError, AttributeError, KeyError):
            event = await self._connection.recv()
            async for one in self._understood(event):
                understood.append(one)
        return understood

    async def _understood(self, event: Any) -> AsyncIterator[RealtimeEvent]:
        match event.type:
            case "input_audio_buffer.speech_started" if self._finds_turns:
                yield SpeechStarted()
            case "input_audio_buffer.speech_stopped" if self._finds_turns:
                yield SpeechStopped()
            case "input_audio_buffer.committed":
                self._turns[event.item_id] = self._committed
                self._committed += 1
                for item in list(self._turns)[:-MOST_OPEN_TURNS]:
                    self._transcripts.pop(item, None)
                    del self._turns[item]
            case "response.created":
                await self._response_created(event.response.id or "")
            case _ if self._fate == "unwanted" and event.type.startswith("response."):
                if event.type == "response.done":
                    for one in await self._response_over():
                        yield one
            case "response.output_item.added" if event.item.type == "message" and event.item.id:
                if self._fate == "cancelled":
                    self._never_played.append(event.item.id)
                else:
                    self._audio_bytes[event.item.id] = 0
            case "response.output_audio.delta":
                audio = base64.b64decode(event.delta)
                if not self._audio_bytes.get(event.item_id):
                    refuse_other_audio(audio, self._errors)
                audio = self._odd_byte + audio
                pcm, self._odd_byte = audio[: len(audio) & ~1], audio[len(audio) & ~1 :]
                if event.item_id in self._audio_bytes:
                    self._audio_bytes[event.item_id] += len(pcm)
                yield OutputAudio(pcm)
            case "response.output_audio_transcript.delta" | "response.output_text.delta":
                if text := self._output_text.feed(event.delta or ""):
                    yield OutputTranscript(text)
            case "response.done":
                if rest := self._output_text.finish():
                    yield OutputTranscript(rest)
                yield self._response_done(event.response)
                for one in await self._response_over():
                    yield one
            case "error":
                for one in await self._on_error(event.error):
                    yield one
            case str(kind) if kind.startswith(TRANSCRIPTION):
                if transcript := self._input_transcript(kind.removeprefix(TRANSCRIPTION), event):
                    yield transcript

    async def _response_created(self, response_id: str) -> None:
        self._response, self._output_text = response_id, ValidTextStream()
        self._odd_byte = b""
        if pending := self._next_pending():
            self._pending.remove(pending)
            self._fate = pending.fate
        else:
            self._fate = "wanted"
            self._audio_bytes.clear()
        if self._fate != "wanted":
            await self._send({"type": "response.cancel"})

    async def _response_over(self) -> list[RealtimeEvent]:
        self._response, self._fate = "", "wanted"
        items, self._never_played = self._never_played, []
        for item in items:
            await self._truncate(item, 0)
        refused = [one for one in self._pending if one.refused]
        return [event for one in refused for event in await self._ask_again(one)]

    def _input_transcript(self, kind: str, event: Any) -> InputTranscript | None:
        turn = self._turns.get(event.item_id)
        if turn is None or kind not in ("delta", "completed"):
            return None
        if kind == "completed":
            self._transcripts.pop(event.item_id, None)
            del self._turns[event.item_id]
            return InputTranscript(turn, valid_text(event.transcript.strip()), final=True)
        text = self._transcripts.setdefault(event.item_id, ValidTextStream())
        text.feed(event.delta or "")
        return InputTranscript(turn, text.text, final=False)

    def _response_done(self, response: Any) -> ResponseDone:
        counted = response.usage
        usage = (
            Usage(counted.input_tokens or 0, counted.output_tokens or 0)
            if counted and counted.total_tokens
            else None
        )
        if response.status == "cancelled":
            return ResponseDone(cut_off=True, usage=usage)
        if response.status == "failed":
            error = getattr(response.status_details, "error", None)
            code = getattr(error, "code", None) or getattr(error, "type", None) or ""
            return ResponseDone(error=self._errors.error_code(code), usage=usage)
        if response.status == "incomplete":
            reason = getattr(response.status_details, "reason", None) or ""
            return ResponseDone(usage=usage, cut=CUT_REASONS.get(reason))
        calls = tuple(
            ToolCall(
                valid_text(item.call_id),
                valid_text(item.name),
                valid_arguments(item.arguments or "{}"),
            )
            for item in response.output or ()
            if item.type == "function_call" and item.call_id and item.name
        )
        return ResponseDone(calls, usage=usage)

    async def _on_error(self, error: Any) -> list[RealtimeEvent]:
        """An error event. One about the key ends the connection; most others are of no matter."""
        code = error.code or error.type or ""
        meant = self._errors.error_code(code)
        if isinstance(meant, ProviderUnauthorized):
            raise meant
        if error.event_id == COMMIT_ID and self._pending:
            # The response will come all the same, to a turn that is not there.
            self._pending[-1].fate = "unwanted"
            return [ResponseDone(error=meant)]
        if error.event_id != RESPONSE_ID or not (pending := self._next_pending()):
            return []
        if code == RESPONSE_ACTIVE:
            pending.refused = True
            in_vain = pending.fate != "wanted"
            return await self._ask_again(pending) if in_vain or not self._response else []
        self._pending.remove(pending)
        return [ResponseDone(error=meant)] if pending.fate != "unwanted" else []
