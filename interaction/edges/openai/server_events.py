"""The core's news as server events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from interaction.core.events import ClientToolCalled, UsageReported
from interaction.core.news import (
    Failure,
    News,
    PlayAudio,
    ReplyEnded,
    ReplyInterrupted,
    ReplySentenceText,
    ReplyStarted,
    ReplyTextCompleted,
    SpeechEnded,
    SpeechStarted,
    TranscriptUpdated,
)
from interaction.core.reply import Reply
from interaction.edges.openai.errors import Event, error, id_of, new_id
from interaction.edges.openai.items import Item, Items
from interaction.edges.openai.responses import Response, ResponseSettings
from interaction.edges.openai.session import Settings

KEPT_RESPONSES = 200
"""Ended ones that may still be truncated."""


@dataclass
class Spoken:
    """A turn of the person's, as an item of the conversation."""

    item_id: str
    began_ms: int
    ended_ms: int = 0


class ServerEvents:
    def __init__(self, settings: Settings, items: Items, send: Callable[[Event], None]) -> None:
        self.committing = False
        """The client has committed by hand, and waits to be told so."""
        self.uncommitted_ms = 0.0
        """What the client has appended since the last commit, its own or ours."""
        self.conversation_id = new_id("conv")
        self._settings = settings
        self._items = items
        self._send = send
        self._spoken: dict[UUID, Spoken] = {}
        """By turn."""
        self._responses: dict[UUID, Response] = {}
        """By reply."""
        self._stopped: set[UUID] = set()
        """Replies that the client has cancelled."""
        self._cut: list[Response] = []
        """Cut off by the person's voice, to be told once that has been told."""

    # Responses.

    @property
    def active(self) -> Response | None:
        """The response in progress, those beside the conversation apart."""
        return next(
            (r for r in self._responses.values() if not r.done and r.terms.conversation_id), None
        )

    @property
    def asides(self) -> int:
        """How many are in progress beside the conversation."""
        return sum(not r.done and not r.terms.conversation_id for r in self._responses.values())

    def usual_terms(self) -> ResponseSettings:
        echo = self._settings.echo()
        return ResponseSettings(
            modalities=self._settings.modalities,
            max_output_tokens=echo.get("max_output_tokens", "inf"),
            audio_output={"format": self._settings.speaks.as_json(), "voice": self._settings.voice},
            conversation_id=self.conversation_id,
        )

    def begin(self, reply_id: UUID, terms: ResponseSettings) -> Response:
        response = Response(id_of("resp", reply_id), Reply(reply_id), terms)
        self._responses[reply_id] = response
        ended = [key for key, kept in self._responses.items() if kept.done]
        for key in ended[: max(0, len(self._responses) - KEPT_RESPONSES)]:
            del self._responses[key]
        self._send(response.created())
        return response

    def cancelling(self, response_id: Any) -> Response | None:
        """The response that a cancel means, noted as stopped by the client."""
        for response in self._responses.values():
            ours = response.id == response_id if response_id else response.terms.conversation_id
            if ours and not response.done:
                self._stopped.add(response.reply.id)
                return response
        return None

    def response_of(self, item_id: str) -> Response | None:
        """The response whose spoken message this item is."""
        return next(
            (
                response
                for response in self._responses.values()
                if response.spoken and response.message and response.message.item["id"] == item_id
            ),
            None,
        )

    def truncate(self, response: Response, heard_ms: int) -> None:
        """Keep of a message only what was heard: what was not leaves the context."""
        assert response.message is not None
        response.heard_ms = heard_ms
        text = response.reply.heard_text(heard_ms)
        response.message.item["content"] = [{"type": "output_audio", "transcript": text}]

    def audio(self, piece: PlayAudio, raw: bytes) -> Event | None:
        """A piece of sound on its way out; None where there is nothing to be sent."""
        response = self._responses.get(piece.reply_id)
        if response is None or response.done or not raw:
            return None
        self._settings.voice_locked = True
        return response.audio(raw)

    # News.

    def tell(self, news: News) -> None:
        match news:
            case SpeechStarted():
                self._speech_started(news)
            case SpeechEnded():
                self._speech_ended(news)
            case TranscriptUpdated(turn_id, text, final=True):
                self._transcribed(turn_id, text)
            case ReplyStarted(reply_id=reply_id):
                if reply_id not in self._responses:
                    self.begin(reply_id, self.usual_terms())
            case Failure():
                self._failed(news)
            case ReplyInterrupted(reply_id=reply_id) if response := self._live(reply_id):
                self._interrupted(response)
            case _ if response := self._live(getattr(news, "reply_id", None)):
                self._of_response(response, news)

    def _of_response(self, response: Response, news: News) -> None:
        events: list[Event] = []
        match news:
            case ReplySentenceText(sentence=number, text=text):
                events = response.sentence(number, text, self._items.last)
            case PlayAudio(sentence=sentence, pcm=pcm) if pcm:
                events = response.opened(self._items.last)
                response.reply.add_audio(sentence, pcm)
            case ClientToolCalled(call=call):
                events = response.function_call(call, self._items.last)
            case ReplyTextCompleted(cut=cut):
                response.cut = cut
            case UsageReported():
                response.usage = news
            case ReplyEnded():
                events = response.ended(news)
        self._out(response, events)

    def _out(self, response: Response, events: list[Event]) -> None:
        for event in events:
            if event["type"] == "conversation.item.added":
                self._insert(response, event["item"]["id"])
            self._send(event)

    def _insert(self, response: Response, item_id: str) -> None:
        """The item itself, not the copy in the event: it grows, and may be truncated."""
        item = next(item for item in response.output if item["id"] == item_id)
        self._items.insert(item)

    def _live(self, reply_id: UUID | None) -> Response | None:
        response = self._responses.get(reply_id) if reply_id else None
        return response if response and not response.done else None

    def _interrupted(self, response: Response) -> None:
        if response.reply.id in self._stopped:
            self._out(response, response.cancelled("client_cancelled"))
        else:
            # The voice that interrupted is told of first, in the same breath.
            self._cut.append(response)
            asyncio.get_running_loop().call_soon(self._tell_cut)

    def _tell_cut(self) -> None:
        cut, self._cut = self._cut, []
        for response in cut:
            if not response.done:
                self._out(response, response.cancelled("turn_detected"))

    def _speech_started(self, news: SpeechStarted) -> None:
        spoken = self._spoken[news.turn_id] = Spoken(new_id("item"), max(news.at_ms, 0))
        if not self._settings.commits_by_hand:
            where = {"audio_start_ms": spoken.began_ms, "item_id": spoken.item_id}
            self._send({"type": "input_audio_buffer.speech_started", **where})
        self._tell_cut()

    def _speech_ended(self, news: SpeechEnded) -> None:
        spoken = self._spoken.get(news.turn_id)
        if spoken is None:
            return
        spoken.ended_ms = max(news.at_ms, spoken.began_ms)
        if not self._settings.commits_by_hand:
            where = {"audio_end_ms": spoken.ended_ms, "item_id": spoken.item_id}
            self._send({"type": "input_audio_buffer.speech_stopped", **where})
        if news.kept:
            self.uncommitted_ms = 0
            self._commit(spoken.item_id)

    def _commit(self, item_id: str) -> None:
        self.committing = False
        item: Item = {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        previous = self._items.insert(item)
        told = {"previous_item_id": previous, "item": {**item, "content": [*item["content"]]}}
        committed = {"previous_item_id": previous, "item_id": item_id}
        self._send({"type": "input_audio_buffer.committed", **committed})
        self._send({"type": "conversation.item.added", **told})
        self._send({"type": "conversation.item.done", **told})

    def _transcribed(self, turn_id: UUID, text: str) -> None:
        spoken = self._spoken.get(turn_id)
        if spoken is None:
            return
        self._items.heard(spoken.item_id, text)
        if self._settings.transcription is None:
            return
        kind = "conversation.item.input_audio_transcription"
        where = {"item_id": spoken.item_id, "content_index": 0}
        self._send({"type": f"{kind}.delta", **where, "delta": text})
        seconds = (spoken.ended_ms - spoken.began_ms) / 1000
        usage = {"type": "duration", "seconds": max(seconds, 0.0)}
        self._send({"type": f"{kind}.completed", **where, "transcript": text, "usage": usage})

    def _failed(self, failed: Failure) -> None:
        spoken = self._spoken.get(failed.turn_id) if failed.turn_id else None
        if failed.stage == "stt" and spoken:
            self._not_transcribed(spoken.item_id, failed)
        elif failed.code == "no_speech" and self.committing:
            # Committed by hand, and nobody spoke in it: the item stands, without words.
            item_id = new_id("item")
            self._commit(item_id)
            self._not_transcribed(item_id, failed)
        if failed.code == "no_speech":
            return
        if response := self._live(failed.reply_id):
            self._out(response, response.failed(failed.code, failed.message))
        elif failed.stage == "stt" and failed.turn_id and self._settings.answers_by_itself:
            response = self.begin(failed.turn_id, self.usual_terms())
            self._out(response, response.failed(failed.code, failed.message))
        elif failed.turn_id is None:
            self._send(error(failed.code, failed.message, kind="server_error"))

    def _not_transcribed(self, item_id: str, failed: Failure) -> None:
        if self._settings.transcription is None:
            return
        why = {"type": "transcription_error", "code": failed.code, "message": failed.message}
        kind = "conversation.item.input_audio_transcription.failed"
        self._send(
            {"type": kind, "item_id": item_id, "content_index": 0, "error": {**why, "param": None}}
        )
