"""The engine process that recognises speech with Moonshine.

Messages in: ``load`` and ``open`` [folder of the models, name of one], ``audio`` (mono s16le,
16 kHz, even length), ``flush``, ``end``, ``drop``.
Messages out: ``loaded``; ``partial``, ``flush`` and ``end``, each with the whole text so far;
``decoded`` with a number of bytes; ``damaged`` with the model's name where its files are not what
they should be.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np

from interaction.providers.local._shared.engine_pipe import Message, ParentPipe
from interaction.providers.local._shared.model_files import DamagedModel
from interaction.providers.local.moonshine.models import MODELS
from interaction.providers.local.moonshine.transcriber import RATE, Transcriber
from interaction.providers.local.moonshine.utterance import Utterance


class RecogniserProcess:
    """Gives every utterance one look's time in turn; those that are to be answered come first."""

    def __init__(self, parent: ParentPipe) -> None:
        self._parent = parent
        self._loaded: dict[tuple[str, str], Transcriber] = {}
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
        if message.word in ("open", "load"):
            self._open(message)
            return
        utterance = self._utterances.get(message.number)
        if not utterance:
            return
        if message.word == "audio":
            utterance.work.append(message.body)
        elif message.word == "drop":
            self._drop(utterance)
        else:
            utterance.work.append(message.word)

    def _open(self, message: Message) -> None:
        folder, name = message.body
        try:
            transcriber = self._transcriber(folder, name)
        except DamagedModel:
            self._parent.send(message.number, "damaged", name)
            return
        if message.word == "load":
            self._parent.send(message.number, "loaded")
            return
        utterance = self._utterances[message.number] = Utterance(message.number, transcriber)
        self._rota.append(utterance)

    def _transcriber(self, folder: str, name: str) -> Transcriber:
        """The model, loaded when it is first needed. Raises ``DamagedModel``."""
        if (folder, name) not in self._loaded:
            place = MODELS[name].verified(Path(folder))
            transcriber = Transcriber(place)
            transcriber.transcribe(np.zeros(RATE, dtype=np.float32))  # the first look is slow
            self._loaded[folder, name] = transcriber
        return self._loaded[folder, name]

    def _drop(self, utterance: Utterance) -> None:
        del self._utterances[utterance.number]
        self._rota.remove(utterance)

    def _step(self) -> None:
        """Work for the next utterance that has something to do."""
        due = [utterance for utterance in self._rota if utterance.due]
        if not due:
            return
        utterance = next((one for one in due if one.has_mark), due[0])
        self._rota.remove(utterance)
        self._rota.append(utterance)
        before = utterance.text
        word, text, size = utterance.step()
        if size:
            self._parent.send(utterance.number, "decoded", size)
        if word != "partial" or text != before:
            self._parent.send(utterance.number, word, text)
        if word == "end":
            self._drop(utterance)


if __name__ == "__main__":
    RecogniserProcess(ParentPipe()).run()
