"""OpenAI's live transcription: a realtime session of type ``transcription``, over its socket.

When the person's turn ends is decided here: the session detects no turns, each mark is a commit.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection

from interaction.audio.resample import Resampler
from interaction.core.types import INPUT_SAMPLE_RATE
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.sockets import SocketErrorMapping, open_socket
from interaction.providers._shared.streaming_stt import Step, StreamingSpeechToText, WireMessage
from interaction.providers._shared.transcript_answers import words_in
from interaction.providers._shared.valid_text import ValidTextStream
from interaction.providers.openai import ACCOUNT, PROVIDER
from interaction.providers.stage_protocols import Transcript

RATE = 24_000
"""Hz."""
LEAST_COMMIT = 2 * RATE // 10
"""Bytes, 100 ms: less is refused, and there is no word in it."""
COMMIT = json.dumps({"type": "input_audio_buffer.commit"})
CLEAR = json.dumps({"type": "input_audio_buffer.clear"})


class LiveErrorMapping(SocketErrorMapping):
    words = PROVIDER.error_words


class SpeechToText(StreamingSpeechToText):
    first = 10.0
    error_mapping = LiveErrorMapping

    async def _open(self) -> ClientConnection:
        url = f"{self._config.base_url or ACCOUNT.base_url}/realtime?intent=transcription"
        key = self._config.api_key
        socket = await open_socket(url, {"Authorization": f"Bearer {key}"} if key else {})
        await socket.send(json.dumps({"type": "session.update", "session": self._session()}))
        return socket

    def _session(self) -> dict[str, Any]:
        transcription = {"model": self._config.model}
        if self._config.language:
            transcription["language"] = self._config.language.split("-")[0]
        audio_format = {"type": "audio/pcm", "rate": RATE}
        audio = {"format": audio_format, "transcription": transcription, "turn_detection": None}
        return {"type": "transcription", "audio": {"input": audio}}

    def _new_utterance(self) -> Utterance:
        return Utterance(self.errors)


class Utterance:
    """Implements ``UtteranceProtocol``."""

    def __init__(self, errors: ErrorMapping) -> None:
        self.closing = False
        self._errors = errors
        self._resampler = Resampler(INPUT_SAMPLE_RATE, RATE)
        self._uncommitted = 0
        """Bytes of audio since the last commit."""
        self._started = False
        self._texts: dict[str, ValidTextStream] = {}
        """Transcript so far by item, in the order in which the items were spoken."""
        self._complete: set[str] = set()
        """Items whose transcripts are complete."""
        self._marks: deque[str] = deque()
        """The items whose transcripts answer the marks."""

    def audio_messages(self, pcm: bytes) -> Sequence[WireMessage]:
        # A socket that served before may hold the end of what somebody else said.
        clear = () if self._started else (CLEAR,)
        self._started = True
        return [*clear, *self._append(self._resampler.feed(pcm))]

    def mark_messages(self) -> tuple[Sequence[WireMessage], bool]:
        rest = self._append(self._resampler.finish())
        self._resampler = Resampler(INPUT_SAMPLE_RATE, RATE)
        if self._uncommitted < LEAST_COMMIT:
            return rest, False
        self._uncommitted = 0
        return [*rest, COMMIT], True

    def on_message(self, message: WireMessage) -> Step:
        event = json.loads(message)
        kind = str(event.get("type")).removeprefix("conversation.item.input_audio_transcription.")
        match kind:
            case "input_audio_buffer.committed":
                self._texts.setdefault(event["item_id"], ValidTextStream())
                self._marks.append(event["item_id"])
            case "delta":
                text = self._texts.setdefault(event["item_id"], ValidTextStream())
                text.feed(event.get("delta") or "")
                return (), [Transcript(self._text(), final=False)]
            case "completed":
                whole = ValidTextStream()
                whole.feed(words_in(event))
                self._texts[event["item_id"]] = whole
                self._complete.add(event["item_id"])
                return (), self._answers()
            case "failed" | "error":
                error = event.get("error")
                code = error.get("code") if isinstance(error, dict) else ""
                raise self._errors.error_code(str(code or ""))
        return (), ()

    def on_unanswered_mark(self, *, last: bool) -> Step:
        return (), ()

    def _answers(self) -> list[Transcript]:
        """Transcripts may be complete in another order than they were asked for."""
        answers = []
        while self._marks and self._marks[0] in self._complete:
            self._marks.popleft()
            answers.append(self.final_transcript())
        return answers

    def _append(self, pcm: bytes) -> list[WireMessage]:
        if not pcm:
            return []
        self._uncommitted += len(pcm)
        audio = base64.b64encode(pcm).decode()
        return [json.dumps({"type": "input_audio_buffer.append", "audio": audio})]

    def final_transcript(self) -> Transcript:
        return Transcript(self._text(), final=True)

    def _text(self) -> str:
        texts = (stream.text.strip() for stream in self._texts.values())
        return " ".join(text for text in texts if text)
