"""OpenAI's live transcription: a realtime session of type ``transcription``, over its socket.

The person's turn ends where we say so: the session detects none, and each mark is a commit.
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
from interaction.providers.base import Transcript
from interaction.providers.blame import Blame
from interaction.providers.live import LiveStage, Step, Wire
from interaction.providers.openai_client import BASE_URL
from interaction.providers.sockets import open_socket

RATE = 24_000
LEAST_COMMIT = 2 * RATE // 10
"""Bytes, 100 ms: less is refused, and there is no word in it."""
COMMIT = json.dumps({"type": "input_audio_buffer.commit"})
CLEAR = json.dumps({"type": "input_audio_buffer.clear"})


class SpeechToText(LiveStage):
    first = 10.0

    async def _open(self) -> ClientConnection:
        url = f"{self._config.base_url or BASE_URL}/realtime?intent=transcription"
        key = self._config.api_key
        socket = await open_socket(url, {"Authorization": f"Bearer {key}"} if key else {})
        await socket.send(json.dumps({"type": "session.update", "session": self._session()}))
        return socket

    def _session(self) -> dict[str, Any]:
        transcription = {"model": self._config.model}
        if self._config.language:
            transcription["language"] = self._config.language.split("-")[0]
        sound = {"type": "audio/pcm", "rate": RATE}
        heard = {"format": sound, "transcription": transcription, "turn_detection": None}
        return {"type": "transcription", "audio": {"input": heard}}

    def _begin(self) -> Utterance:
        return Utterance(self.blame)


class Utterance:
    def __init__(self, blame: Blame) -> None:
        self.over = False
        self._blame = blame
        self._resampler = Resampler(INPUT_SAMPLE_RATE, RATE)
        self._uncommitted = 0
        self._begun = False
        self._texts: dict[str, str] = {}
        """By item, in the order in which they were said."""
        self._done: set[str] = set()
        self._marks: deque[str] = deque()
        """The items whose transcripts answer the marks."""

    def audio(self, pcm: bytes) -> Sequence[Wire]:
        # A socket that served before may hold the end of what somebody else said.
        clear = () if self._begun else (CLEAR,)
        self._begun = True
        return [*clear, *self._append(self._resampler.feed(pcm))]

    def mark(self) -> tuple[Sequence[Wire], bool]:
        rest = self._append(self._resampler.finish())
        self._resampler = Resampler(INPUT_SAMPLE_RATE, RATE)
        if self._uncommitted < LEAST_COMMIT:
            return rest, False
        self._uncommitted = 0
        return [*rest, COMMIT], True

    def take(self, message: Wire) -> Step:
        event = json.loads(message)
        kind = event["type"].removeprefix("conversation.item.input_audio_transcription.")
        match kind:
            case "input_audio_buffer.committed":
                self._marks.append(event["item_id"])
                self._texts.setdefault(event["item_id"], "")
            case "delta":
                item = event["item_id"]
                self._texts[item] = self._texts.get(item, "") + (event.get("delta") or "")
                return (), [Transcript(self._text(), final=False)]
            case "completed":
                self._texts[event["item_id"]] = event["transcript"].strip()
                self._done.add(event["item_id"])
                return (), self._answers()
            case "failed" | "error":
                raise self._blame.told(str(event["error"].get("code") or ""))
        return (), ()

    def unanswered(self, *, last: bool) -> Step:
        return (), ()

    def _answers(self) -> list[Transcript]:
        """Transcripts may be complete in another order than they were asked for."""
        answers = []
        while self._marks and self._marks[0] in self._done:
            self._marks.popleft()
            answers.append(self.final())
        return answers

    def _append(self, pcm: bytes) -> list[Wire]:
        if not pcm:
            return []
        self._uncommitted += len(pcm)
        audio = base64.b64encode(pcm).decode()
        return [json.dumps({"type": "input_audio_buffer.append", "audio": audio})]

    def final(self) -> Transcript:
        return Transcript(self._text(), final=True)

    def _text(self) -> str:
        return " ".join(text.strip() for text in self._texts.values() if text.strip())
