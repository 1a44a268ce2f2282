"""The engine process that speaks with Hibari: a ``SpeakerProcess``, 24 kHz.

The library makes a sentence at a time, and nothing stops it meanwhile: it is given short pieces.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hibari import Hibari

from interaction.providers.local._shared.engine_pipe import ParentPipe
from interaction.providers.local._shared.speaker_process import Refused, SpeakerProcess
from interaction.providers.local.hibari import VOICE
from interaction.providers.local.hibari.pieces import LONGEST, cut, readable, spelled

FIRST_WORDS = "Good morning."
"""Spoken to nobody at the start: the first call takes a second, and loads what all others use."""


class HibariProcess(SpeakerProcess):
    def __init__(self, parent: ParentPipe) -> None:
        super().__init__(parent)
        self._library = Hibari(voice=VOICE, threads=1)
        self._library(FIRST_WORDS)

    def speak(self, text: str, voice: str) -> None:
        is_spoken = False
        for sentence in self._library.split_sentences(readable(text)):
            for piece in cut(sentence):
                samples = self._samples(piece)
                is_spoken = is_spoken or samples.size > 0
                if not self.send_pcm(_pcm(samples)):
                    return
        if not is_spoken and any(map(str.isalnum, text)):
            raise Refused  # the words of a script that it cannot read

    def _samples(self, piece: str) -> Any:
        """Its speech; where the library fails at it, that of its letters and digits one by one."""
        try:
            return self._library(piece)
        except Exception:
            try:
                return self._library(spelled(piece)[: 2 * LONGEST])
            except Exception as error:
                raise Refused from error


def _pcm(samples: Any) -> bytes:
    pcm: bytes = (np.clip(samples, -1.0, 1.0) * 32_767).astype("<i2").tobytes()
    return pcm


if __name__ == "__main__":
    HibariProcess(ParentPipe()).run()
