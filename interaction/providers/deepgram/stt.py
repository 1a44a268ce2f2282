"""Deepgram's live transcription, over its documented socket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection

from interaction.core.types import INPUT_SAMPLE_RATE
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.sockets import SocketErrorMapping, open_socket
from interaction.providers._shared.streaming_stt import Step, StreamingSpeechToText, WireMessage
from interaction.providers._shared.transcript_answers import words_in
from interaction.providers.deepgram import ACCOUNT, PROVIDER
from interaction.providers.stage_protocols import Transcript

FINALIZE = json.dumps({"type": "Finalize"})
CLOSE = json.dumps({"type": "CloseStream"})


class DeepgramErrorMapping(SocketErrorMapping):
    words = PROVIDER.error_words


class SpeechToText(StreamingSpeechToText):
    ask_again_after = 1.0
    error_mapping = DeepgramErrorMapping
    keep_alive = json.dumps({"type": "KeepAlive"})

    async def _open(self) -> ClientConnection:
        settings = {
            "model": self._config.model,
            "language": self._config.language or "multi",
            "encoding": "linear16",
            "sample_rate": INPUT_SAMPLE_RATE,
            "channels": 1,
            "interim_results": "true",
            "punctuate": "true",
            # When a turn ends is decided here.
            "endpointing": "false",
        }
        url = f"{self._config.base_url or ACCOUNT.base_url}/v1/listen?{urlencode(settings)}"
        return await open_socket(url, {"Authorization": f"Token {self._config.api_key}"})

    def _new_utterance(self) -> Utterance:
        return Utterance(self.errors)


class Utterance:
    """Implements ``UtteranceProtocol``."""

    def __init__(self, errors: ErrorMapping) -> None:
        self.closing = False
        self._errors = errors
        self._final_segments: list[str] = []
        self._interim = ""
        """Transcript of the segment that is not final yet."""
        self._last_partial = ""
        self._up_to_date = True
        """No audio has come since the last mark."""

    def audio_messages(self, pcm: bytes) -> Sequence[WireMessage]:
        self._up_to_date = False
        return [pcm]

    def mark_messages(self) -> tuple[Sequence[WireMessage], bool]:
        if self._up_to_date:
            return (), False
        self._up_to_date = True
        return [FINALIZE], True

    def on_message(self, message: WireMessage) -> Step:
        event = json.loads(message)
        match event.get("type"):
            case "Results":
                return (), self._results(event)
            case "Metadata" if self.closing:
                return (), [self.final_transcript()]
            case "Error":
                raise self._errors.error_code(str(event.get("variant") or ""))
        return (), ()

    def on_unanswered_mark(self, *, last: bool) -> Step:
        """A ``Finalize`` need not be answered where hardly any audio waits for it.

        At the end, ``CloseStream`` has an answer in any case. Before it, what is understood so
        far must do. Both cost the socket: the answer may still come.
        """
        self.closing = True
        return ([CLOSE], ()) if last else ((), [self.final_transcript()])

    def _results(self, event: dict[str, Any]) -> list[Transcript]:
        text = words_in(event.get("channel")).strip()
        if event.get("is_final"):
            self._final_segments += [text] if text else []
            self._interim = ""
        else:
            self._interim = text
        if event.get("from_finalize"):
            return [self.final_transcript()]
        if self._text() == self._last_partial:
            return []
        self._last_partial = self._text()
        return [Transcript(self._last_partial, final=False)]

    def final_transcript(self) -> Transcript:
        return Transcript(self._text(), final=True)

    def _text(self) -> str:
        return " ".join([*self._final_segments, *([self._interim] if self._interim else [])])
