"""The core's news as OpenAI's server events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
"""Ended responses that may still be truncated."""
KEPT_TURNS = 200
"""Turns whose transcript may still come."""


@dataclass
class SpokenItem:
    """A turn of the person's, as an item of the conversation, until its transcript has come."""

    item_id: str
    started_ms: int
    """Where its speech starts and ends in all of the person's audio."""
    ended_ms: int = 0


class ServerEvents:
    """Sends the client what the conversation has to say. Keeps the responses, and the items that
    are made of turns and replies."""

    def __init__(
        self,
        settings: Settings,
        items: Items,
        send: Callable[[Event], None],
        after_effects: Callable[[Callable[[], None]], None],
    ) -> None:
        """``after_effects``: as of ``LiveSession``."""
        self.commit_requested = False
        """The client has committed by itself, and waits for the event that confirms it."""
        self.uncommitted_ms = 0.0
        """Audio that the client has appended since the last commit, its own or the server's."""
        self.conversation_id = new_id("conv")
        self._settings = settings
        self._items = items
        self._send = send
        self._after_effects = after_effects
        self._spoken: dict[UUID, SpokenItem] = {}
        """By turn."""
        self._responses: dict[UUID, Response] = {}
        """By reply."""
        self._interrupted: list[Response] = []
        """Interrupted by the person's speech, whose own event has to come first."""

    # Responses.

    @property
    def active(self) -> Response | None:
        """The response in progress that belongs to the conversation."""
        return next((r for r in self._unfinished() if r.settings.conversation_id), None)

    @property
    def out_of_band_count(self) -> int:
        """How many responses are in progress beside the conversation."""
        return sum(not response.settings.conversation_id for response in self._unfinished())

    def _unfinished(self) -> Iterator[Response]:
        return (response for response in self._responses.values() if not response.is_done)

    def default_response_settings(self) -> ResponseSettings:
        echo = self._settings.echo()
        return ResponseSettings(
            modalities=self._settings.modalities,
            max_output_tokens=echo.get("max_output_tokens", "inf"),
            audio_output={
                "format": self._settings.output_format.as_json(),
                "voice": self._settings.voice,
            },
            conversation_id=self.conversation_id,
        )

    def create_response(self, reply_id: UUID, settings: ResponseSettings) -> Response:
        response = Response(id_of("resp", reply_id), Reply(reply_id), settings)
        self._responses[reply_id] = response
        ended = [key for key, kept in self._responses.items() if kept.is_done]
        for key in ended[: max(0, len(self._responses) - KEPT_RESPONSES)]:
            del self._responses[key]
        self._send(response.created_event())
        return response

    def mark_cancelled(self, response_id: Any) -> Response | None:
        """The response in progress that a ``response.cancel`` is about, marked as cancelled by the
        client; None where there is none."""
        for response in self._unfinished():
            is_meant = (
                response.id == response_id if response_id else response.settings.conversation_id
            )
            if is_meant:
                response.is_cancelled_by_client = True
                return response
        return None

    def response_of(self, item_id: str) -> Response | None:
        """The response whose spoken message this item is."""
        for response in self._responses.values():
            message = response.message
            if response.has_audio and message and message.item["id"] == item_id:
                return response
        return None

    def truncate(self, response: Response, heard_ms: int) -> None:
        """Keep of a message only what was heard: the rest leaves the context."""
        assert response.message is not None
        response.heard_ms = heard_ms
        text = response.reply.heard_text(heard_ms)
        response.message.item["content"] = [{"type": "output_audio", "transcript": text}]

    def audio_event(self, piece: PlayAudio, raw: bytes) -> Event | None:
        """A piece of a reply's audio as it is sent; None where there is nothing to send."""
        response = self._responses.get(piece.reply_id)
        if response is None or response.is_done or not raw:
            return None
        self._settings.voice_locked = True
        return response.audio_delta(raw)

    # News.

    def on_news(self, news: News) -> None:
        match news:
            case SpeechStarted():
                self._on_speech_started(news)
            case SpeechEnded():
                self._on_speech_ended(news)
            case TranscriptUpdated(turn_id, text, final=True):
                self._on_transcript(turn_id, text)
            case ReplyStarted(reply_id=reply_id):
                if reply_id not in self._responses:
                    self.create_response(reply_id, self.default_response_settings())
            case Failure():
                self._on_failure(news)
            case ReplyInterrupted(reply_id=reply_id) if response := self._in_progress(reply_id):
                self._on_interrupted(response)
            case _ if response := self._in_progress(getattr(news, "reply_id", None)):
                self._on_response_news(response, news)

    def _on_response_news(self, response: Response, news: News) -> None:
        events: list[Event] = []
        match news:
            case ReplySentenceText(sentence=number, text=text):
                events = response.add_sentence(number, text, self._items.last)
            case PlayAudio(sentence=sentence, pcm=pcm) if pcm:
                events = response.open_message(self._items.last)
                response.reply.add_audio(sentence, pcm)
            case ClientToolCalled(call=call):
                events = response.add_function_call(call, self._items.last)
            case ReplyTextCompleted(cut=cut):
                response.cut = cut
            case UsageReported():
                response.usage = news
            case ReplyEnded():
                events = response.on_reply_ended(news)
        self._send_events(response, events)

    def _send_events(self, response: Response, events: list[Event]) -> None:
        for event in events:
            if event["type"] == "conversation.item.added":
                self._insert(response, event["item"]["id"])
            self._send(event)

    def _insert(self, response: Response, item_id: str) -> None:
        """The item itself, not the copy in the event: it grows, and may be truncated."""
        item = next(item for item in response.output if item["id"] == item_id)
        self._items.insert(item)

    def _in_progress(self, reply_id: UUID | None) -> Response | None:
        response = self._responses.get(reply_id) if reply_id else None
        return response if response and not response.is_done else None

    def _on_interrupted(self, response: Response) -> None:
        if response.is_cancelled_by_client:
            self._send_events(response, response.cancel("client_cancelled"))
        else:
            # The speech that interrupted it, if any, is news of the same step, and goes first.
            self._interrupted.append(response)
            self._after_effects(self._cancel_interrupted)

    def _cancel_interrupted(self) -> None:
        interrupted, self._interrupted = self._interrupted, []
        for response in interrupted:
            if not response.is_done:
                self._send_events(response, response.cancel("turn_detected"))

    def _on_speech_started(self, news: SpeechStarted) -> None:
        spoken = SpokenItem(new_id("item"), max(news.at_ms, 0))
        self._spoken[news.turn_id] = spoken
        if len(self._spoken) > KEPT_TURNS:
            del self._spoken[next(iter(self._spoken))]
        if not self._settings.commits_by_client:
            where = {"audio_start_ms": spoken.started_ms, "item_id": spoken.item_id}
            self._send({"type": "input_audio_buffer.speech_started", **where})
        self._cancel_interrupted()

    def _on_speech_ended(self, news: SpeechEnded) -> None:
        spoken = self._spoken.get(news.turn_id)
        if spoken is None:
            return
        spoken.ended_ms = max(news.at_ms, spoken.started_ms)
        if not self._settings.commits_by_client:
            where = {"audio_end_ms": spoken.ended_ms, "item_id": spoken.item_id}
            self._send({"type": "input_audio_buffer.speech_stopped", **where})
        if news.kept:
            self.uncommitted_ms = 0
            self._commit(spoken.item_id)

    def _commit(self, item_id: str) -> None:
        self.commit_requested = False
        item: Item = {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        previous = self._items.insert(item)
        place = {"previous_item_id": previous, "item": {**item, "content": [*item["content"]]}}
        committed = {"previous_item_id": previous, "item_id": item_id}
        self._send({"type": "input_audio_buffer.committed", **committed})
        self._send({"type": "conversation.item.added", **place})
        self._send({"type": "conversation.item.done", **place})

    def _on_transcript(self, turn_id: UUID, text: str) -> None:
        spoken = self._spoken.pop(turn_id, None)
        if spoken is None:
            return
        self._items.set_transcript(spoken.item_id, text)
        if self._settings.transcription is None:
            return
        kind = "conversation.item.input_audio_transcription"
        where = {"item_id": spoken.item_id, "content_index": 0}
        self._send({"type": f"{kind}.delta", **where, "delta": text})
        seconds = (spoken.ended_ms - spoken.started_ms) / 1000
        usage = {"type": "duration", "seconds": max(seconds, 0.0)}
        self._send({"type": f"{kind}.completed", **where, "transcript": text, "usage": usage})

    def _on_failure(self, failed: Failure) -> None:
        spoken = self._spoken.get(failed.turn_id) if failed.turn_id else None
        if failed.stage == "stt" and spoken:
            self._on_transcription_failed(spoken.item_id, failed)
        elif failed.code == "no_speech" and self.commit_requested:
            # Committed by the client, without speech in it: the item stays, without a transcript.
            item_id = new_id("item")
            self._commit(item_id)
            self._on_transcription_failed(item_id, failed)
        if failed.code == "no_speech":
            return
        if response := self._in_progress(failed.reply_id):
            self._send_events(response, response.fail(failed.code, failed.message))
        elif failed.stage == "stt" and failed.turn_id and self._settings.responds_automatically:
            response = self.create_response(failed.turn_id, self.default_response_settings())
            self._send_events(response, response.fail(failed.code, failed.message))
        elif failed.turn_id is None:
            self._send(error(failed.code, failed.message, kind="server_error"))

    def _on_transcription_failed(self, item_id: str, failed: Failure) -> None:
        if self._settings.transcription is None:
            return
        why = {"type": "transcription_error", "code": failed.code, "message": failed.message}
        kind = "conversation.item.input_audio_transcription.failed"
        self._send(
            {"type": kind, "item_id": item_id, "content_index": 0, "error": {**why, "param": None}}
        )
