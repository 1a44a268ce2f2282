"""Speech on this machine: plain, quick, free."""

from __future__ import annotations

import re

from interaction.providers.local._shared.process_tts import ProcessTextToSpeech
from interaction.providers.local.espeak import CHINESE, DEFAULT_VOICE, VOICES

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


class TextToSpeech(ProcessTextToSpeech):
    module = "interaction.providers.local.espeak.engine"
    sample_rate = 22_050

    def engine_voice(self, text: str) -> str:
        voice = self._voice or DEFAULT_VOICE
        if voice not in VOICES:
            raise self.refused(f"There is no such voice; there are {', '.join(VOICES)}.")
        # Any other voice would spell Chinese out, "Chinese letter, Chinese letter".
        return VOICES["cmn" if HAN.search(text) and voice not in CHINESE else voice]
