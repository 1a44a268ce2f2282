"""The engine process that recognises speech with Moonshine.

Told: ``open`` [path of the model, its architecture], ``audio`` (mono s16le, 16 kHz, even length),
``flush``, ``end``, ``drop``. Answers: ``partial``, ``flush`` and ``end``, each with the whole text
so far, ``decoded`` with a number of bytes, or ``failed`` where the model cannot do it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from moonshine_voice import ModelArch, Transcriber
from moonshine_voice.errors import MoonshineError
from moonshine_voice.transcriber import MOONSHINE_FLAG_FORCE_UPDATE

from interaction.providers.local.serving import Message, Parent

RATE = 16_000
LOOK = RATE
"""Bytes, half a second, between two looks at what was said: each look costs a part that does not
depend on how much is new. A busy machine makes fewer: all that has come is looked at together."""
MOST = 10 * RATE
"""Bytes looked at together, five seconds: others want their turn."""
OPTIONS = {"return_audio_data": "false"}
NEVER = 1e9
"""Seconds until the library looks by itself: when to look is decided here."""


@dataclass
class Utterance:
    number: int
    stream: Any
    work: deque[bytes | str] = field(default_factory=deque)
    """Pieces of audio and marks to answer, in order."""
    waiting: int = 0
    """Bytes among the work."""
    text: str = ""

    @property
    def due(self) -> bool:
        return self.waiting >= LOOK or any(isinstance(work, str) for work in self.work)

    def hear(self, pcm: bytes) -> None:
        self.work.append(pcm)
        self.waiting += len(pcm)

    def step(self) -> tuple[str, str, int]:
        """Look at the audio before the next mark; return a word, the text and how much it was."""
        audio = bytearray()
        while self.work and isinstance(self.work[0], bytes) and len(audio) < MOST:
            audio += self.work.popleft()  # type: ignore[arg-type]
        self.waiting -= len(audio)
        if audio:
            samples = np.frombuffer(audio, dtype="<i2").astype(np.float32) / 32_768
            self.stream.add_audio(samples.tolist(), RATE)
        word = str(self.work.popleft()) if self.work and isinstance(self.work[0], str) else ""
        if transcript := self._look(word):
            lines = (line.text.strip() for line in transcript.lines)
            self.text = " ".join(line for line in lines if line)
        return word or "partial", self.text, len(audio)

    def _look(self, word: str) -> Any:
        if word == "end":
            return self.stream.stop()
        # A flush wants the words of a sentence that has not ended too.
        return self.stream.update_transcription(MOONSHINE_FLAG_FORCE_UPDATE if word else 0)


class Recogniser:
    """Gives every utterance that has something to look at its look, in turn."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent
        self._models: dict[tuple[str, int], Transcriber] = {}
        self._utterances: dict[int, Utterance] = {}
        self._rota: deque[Utterance] = deque()

    def run(self) -> None:
        self._parent.tell(0, "ready")
        while not self._parent.gone:
            idle = not any(utterance.due for utterance in self._rota)
            for message in self._parent.listen(wait=idle):
                self._take(message)
            self._step()

    def _take(self, message: Message) -> None:
        if message.word == "open":
            self._open(message)
            return
        utterance = self._utterances.get(message.number)
        if not utterance:
            return
        if message.word == "audio":
            utterance.hear(message.body)
        elif message.word == "drop":
            self._forget(utterance)
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
            self._parent.tell(message.number, "failed")
            return
        utterance = self._utterances[message.number] = Utterance(message.number, stream)
        self._rota.append(utterance)

    def _forget(self, utterance: Utterance) -> None:
        del self._utterances[utterance.number]
        self._rota.remove(utterance)
        utterance.stream.close()

    def _step(self) -> None:
        """A look for the next utterance that has one due."""
        for _ in range(len(self._rota)):
            utterance = self._rota[0]
            self._rota.rotate(-1)
            if not utterance.due:
                continue
            try:
                word, text, size = utterance.step()
            except MoonshineError:
                self._parent.tell(utterance.number, "failed")
                self._forget(utterance)
                return
            if size:
                self._parent.tell(utterance.number, "decoded", size)
            self._parent.tell(utterance.number, word, text)
            if word == "end":
                self._forget(utterance)
            return


if __name__ == "__main__":
    Recogniser(Parent()).run()
