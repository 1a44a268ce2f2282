"""The engine process that speaks with eSpeak NG, whose library speaks for one at a time.

Messages in: ``say`` [text, voice], ``drop``.
Messages out: ``pcm`` (mono s16le at ``RATE``) any number of times, then ``end``; or ``refused`` for
a voice that the library does not have.
"""

from __future__ import annotations

import ctypes
from collections import deque
from typing import Any

import espeakng_loader

from interaction.providers.local._shared.engine_pipe import Message, ParentPipe

RATE = 22_050
BUFFER_MS = 60
SYNCHRONOUS = 2
"""espeak_ng: give the samples to a callback, play nothing, work in the calling thread."""
UTF8 = 1
ON, OFF = 1, 0


class SpeakerProcess:
    def __init__(self, parent: ParentPipe) -> None:
        self._parent = parent
        self._waiting: deque[Message] = deque()
        self._speaking = 0
        """The number of the text being spoken; 0: none, or one that is not wanted any more."""
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        rate = self._library.espeak_Initialize(SYNCHRONOUS, BUFFER_MS, data, OFF)
        if rate != RATE:
            raise RuntimeError(f"eSpeak NG starts with {rate}, not {RATE} Hz")
        prototype = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
        )
        # Kept: the library holds no reference to it.
        self._callback = prototype(self._on_samples)
        self._library.espeak_SetSynthCallback(self._callback)

    def run(self) -> None:
        self._parent.send(0, "ready")
        while not self._parent.gone:
            self._read_messages(wait=not self._waiting)
            if self._waiting:
                self._synthesize(self._waiting.popleft())

    def _read_messages(self, *, wait: bool) -> None:
        for message in self._parent.messages(wait=wait):
            if message.word == "say":
                self._waiting.append(message)
                continue
            self._waiting = deque(one for one in self._waiting if one.number != message.number)
            if self._speaking == message.number:
                self._speaking = 0

    def _synthesize(self, message: Message) -> None:
        text, voice = message.body
        if self._library.espeak_SetVoiceByName(voice.encode()):
            self._parent.send(message.number, "refused")
            return
        self._speaking = message.number
        encoded = text.replace("\0", " ").encode()
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, UTF8, None, None)
        if self._speaking:
            self._parent.send(message.number, "end")

    def _on_samples(self, samples: Any, count: int, _events: Any) -> int:
        """Send on what has been synthesised; return 1 to stop, which the library asks each time."""
        self._read_messages(wait=False)
        if self._parent.gone or not self._speaking:
            return 1
        if samples and count:
            self._parent.send(self._speaking, "pcm", ctypes.string_at(samples, 2 * count))
        return 0


if __name__ == "__main__":
    SpeakerProcess(ParentPipe()).run()
