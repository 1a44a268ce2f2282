"""The engine process that speaks with eSpeak NG: a ``SpeakerProcess``, 22.05 kHz."""

from __future__ import annotations

import ctypes
from typing import Any

import espeakng_loader

from interaction.providers.local._shared.engine_pipe import ParentPipe
from interaction.providers.local._shared.speaker_process import Refused, SpeakerProcess

RATE = 22_050
BUFFER_MS = 60
SYNCHRONOUS = 2
"""espeak_ng: give the samples to a callback, play nothing, work in the calling thread."""
UTF8 = 1
ON, OFF = 1, 0


class EspeakProcess(SpeakerProcess):
    def __init__(self, parent: ParentPipe) -> None:
        super().__init__(parent)
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

    def speak(self, text: str, voice: str) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise Refused
        encoded = text.replace("\0", " ").encode()
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, UTF8, None, None)

    def _on_samples(self, samples: Any, count: int, _events: Any) -> int:
        """Send on what has been synthesised; return 1 to stop, which the library asks each time."""
        pcm = ctypes.string_at(samples, 2 * count) if samples and count else b""
        return 0 if self.send_pcm(pcm) else 1


if __name__ == "__main__":
    EspeakProcess(ParentPipe()).run()
