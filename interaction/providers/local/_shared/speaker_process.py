"""The inner side of an engine process that speaks: for one at a time, the others wait.

Messages in: ``say`` [text, voice], ``drop``.
Messages out: ``pcm`` (mono s16le) any number of times, then ``end``; or ``refused`` for a voice or
a text that the engine cannot speak.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque

from interaction.providers.local._shared.engine_pipe import Message, ParentPipe


class Refused(Exception):
    """The engine cannot speak this text, or not with this voice."""


class SpeakerProcess(ABC):
    """Reads what is to be said and has ``speak`` say it."""

    def __init__(self, parent: ParentPipe) -> None:
        self._parent = parent
        self._waiting: deque[Message] = deque()
        self._speaking = 0
        """The number of the text being spoken; 0: none, or one that is not wanted any more."""

    @abstractmethod
    def speak(self, text: str, voice: str) -> None:
        """Pass the speech to ``send_pcm`` as it comes, and stop where that says so. Raises
        ``Refused``."""

    def run(self) -> None:
        self._parent.send(0, "ready")
        while not self._parent.gone:
            self._read_messages(wait=not self._waiting)
            if self._waiting:
                self._answer(self._waiting.popleft())

    def send_pcm(self, pcm: bytes) -> bool:
        """Send on what has been synthesised; returns whether more is wanted."""
        self._read_messages(wait=False)
        if self._parent.gone or not self._speaking:
            return False
        if pcm:
            self._parent.send(self._speaking, "pcm", pcm)
        return True

    def _answer(self, message: Message) -> None:
        self._speaking = message.number
        try:
            self.speak(*message.body)
        except Refused:
            self._parent.send(message.number, "refused")
        else:
            if self._speaking:
                self._parent.send(message.number, "end")

    def _read_messages(self, *, wait: bool) -> None:
        for message in self._parent.messages(wait=wait):
            if message.word == "say":
                self._waiting.append(message)
                continue
            self._waiting = deque(one for one in self._waiting if one.number != message.number)
            if self._speaking == message.number:
                self._speaking = 0
