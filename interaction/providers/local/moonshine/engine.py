"""The engine process that recognises speech with Moonshine.

Messages in: ``open`` [path of the model, its architecture], ``audio`` (mono s16le, 16 kHz, even
length), ``flush``, ``end``, ``drop``.
Messages out: ``partial``, ``flush`` and ``end``, each with the whole text so far, ``decoded`` with
a number of bytes, or ``failed`` where the model cannot do it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from moonshine_voice import ModelArch, Transcriber
from moonshine_voice.errors import MoonshineError
from moonshine_voice.transcriber import MOONSHINE_FLAG_FORCE_UPDATE

from interaction.providers.local._shared.engine_pipe import Message, ParentPipe

RATE = 16_000
UPDATE_EVERY = RATE
"""Bytes, half a second, between two updates of the transcript: each costs a part that does not
depend on how much is new. A busy machine makes fewer: all that has come is transcribed together."""
MOST_AT_ONCE = 10 * RATE
"""Bytes transcribed together, five seconds: others want their turn."""
OPTIONS = {"return_audio_data": "false"}
NEVER = 1e9
"""Seconds until the library updates by itself: when to is decided here."""


@dataclass
class Utterance:
    number: int
    stream: Any
    work: deque[bytes | str] = field(default_factory=deque)
    """Pieces of audio and marks to answer, in order."""
    waiting: int = 0
    """Bytes of audio among the work."""
    text: str = ""

    @property
    def due(self) -> bool:
        return self.waiting >= UPDATE_EVERY or any(isinstance(work, str) for work in self.work)

    def feed_audio(self, pcm: bytes) -> None:
        self.work.append(pcm)
        self.waiting += len(pcm)

    def step(self) -> tuple[str, str, int]:
        """Transcribe the audio before the next mark; return the word of the answer, the text and
        the number of bytes."""
        audio = bytearray()
        while self.work and isinstance(self.work[0], bytes) and len(audio) < MOST_AT_ONCE:
            audio += self.work.popleft()  # type: ignore[arg-type]
        self.waiting -= len(audio)
        if audio:
            samples = np.frombuffer(audio, dtype="<i2").astype(np.float32) / 32_768
            self.stream.add_audio(samples.tolist(), RATE)
        word = str(self.work.popleft()) if self.work and isinstance(self.work[0], str) else ""
        if transcript := self._update(word):
            lines = (line.text.strip() for line in transcript.lines)
            self.text = " ".join(line for line in lines if line)
        return word or "partial", self.text, len(audio)

    def _update(self, word: str) -> Any:
        if word == "end":
            return self.stream.stop()
        # A flush wants the words of a sentence that has not ended too.
        return self.stream.update_transcription(MOONSHINE_FLAG_FORCE_UPDATE if word else 0)


class RecogniserProcess:
    """Updates the transcript of every utterance that is due, in turn."""

    def __init__(self, parent: ParentPipe) -> None:
        self._parent = parent
        self._models: dict[tuple[str, int], Transcriber] = {}
        self._utterances: dict[int, Utterance] = {}
        self._rota: deque[Utterance] = deque()

    def run(self) -> None:
        self._parent.send(0, "ready")
        while not self._parent.gone:
            idle = not any(utterance.due for utterance in self._rota)
            for message in self._parent.messages(wait=idle):
                self._on_message(message)
            self._step()

    def _on_message(self, message: Message) -> None:
        if message.word == "open":
            self._open(message)
            return
        utterance = self._utterances.get(message.number)
        if not utterance:
            return
        if message.word == "audio":
            utterance.feed_audio(message.body)
        elif message.word == "drop":
            self._drop(utterance)
        else:
            utterance.work.append(message.word)

    def _open(self, message: Message) -> None:
        path, architecture = message.body
        try:
            if (path, architecture) not in self._models:
                model = Transcriber(path, ModelArch(architecture), options=OPTIONS)
                self._models[path, architecture] = model
            stream = self._models[path, architecture].create_stream(NEVER)
            stream.start()
        except MoonshineError:
            self._parent.send(message.number, "failed")
            return
        utterance = self._utterances[message.number] = Utterance(message.number, stream)
        self._rota.append(utterance)

    def _drop(self, utterance: Utterance) -> None:
        del self._utterances[utterance.number]
        self._rota.remove(utterance)
        utterance.stream.close()

    def _step(self) -> None:
        """Update the next utterance that is due."""
        for _ in range(len(self._rota)):
            utterance = self._rota[0]
            self._rota.rotate(-1)
            if not utterance.due:
                continue
            try:
                word, text, size = utterance.step()
            except MoonshineError:
                self._parent.send(utterance.number, "failed")
                self._drop(utterance)
                return
            if size:
                self._parent.send(utterance.number, "decoded", size)
            self._parent.send(utterance.number, word, text)
            if word == "end":
                self._drop(utterance)
            return


if __name__ == "__main__":
    RecogniserProcess(ParentPipe()).run()
