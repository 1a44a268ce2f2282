"""Deepgram's live transcription, over its documented socket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection

from interaction.core.types import INPUT_SAMPLE_RATE
from interaction.providers.base import Transcript
from interaction.providers.blame import Blame
from interaction.providers.live import LiveStage, Step, Wire
from interaction.providers.sockets import open_socket

BASE_URL = "https://api.deepgram.com"
FINALIZE = json.dumps({"type": "Finalize"})
CLOSE = json.dumps({"type": "CloseStream"})


class SpeechToText(LiveStage):
    quiet = 1.0
    beat = json.dumps({"type": "KeepAlive"})

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
        url = f"{self._config.base_url or BASE_URL}/v1/listen?{urlencode(settings)}"
        return await open_socket(url, {"Authorization": f"Token {self._config.api_key}"})

    def _begin(self) -> Utterance:
        return Utterance(self.blame)


class Utterance:
    def __init__(self, blame: Blame) -> None:
        self.over = False
        self._blame = blame
        self._settled: list[str] = []
        self._guess = ""
        self._told = ""
        self._fresh = True
        """Nothing was said since the last mark."""

    def audio(self, pcm: bytes) -> Sequence[Wire]:
        self._fresh = False
        return [pcm]

    def mark(self) -> tuple[Sequence[Wire], bool]:
        if self._fresh:
            return (), False
        self._fresh = True
        return [FINALIZE], True

    def take(self, message: Wire) -> Step:
        event = json.loads(message)
        match event["type"]:
            case "Results":
                return (), self._results(event)
            case "Metadata" if self.over:
                return (), [self.final()]
            case "Error":
                raise self._blame.told(str(event.get("variant") or ""))
        return (), ()

    def unanswered(self, *, last: bool) -> Step:
        """A ``Finalize`` need not be answered where hardly any audio waits for it.

        At the end, ``CloseStream`` has an answer in any case. Before it, what is understood so
        far must do. Both cost the socket: the answer may still come.
        """
        self.over = True
        return ([CLOSE], ()) if last else ((), [self.final()])

    def _results(self, event: dict[str, Any]) -> list[Transcript]:
        text = event["channel"]["alternatives"][0]["transcript"].strip()
        if event["is_final"]:
            self._settled += [text] if text else []
            self._guess = ""
        else:
            self._guess = text
        if event.get("from_finalize"):
            return [self.final()]
        if self._text() == self._told:
            return []
        self._told = self._text()
        return [Transcript(self._told, final=False)]

    def final(self) -> Transcript:
        return Transcript(self._text(), final=True)

    def _text(self) -> str:
        return " ".join([*self._settled, *([self._guess] if self._guess else [])])
