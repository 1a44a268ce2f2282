"""English speech on this machine: natural, quick, free."""

from __future__ import annotations

from interaction.providers.local._shared.process_tts import ProcessTextToSpeech
from interaction.providers.local.hibari import VOICE


class TextToSpeech(ProcessTextToSpeech):
    module = "interaction.providers.local.hibari.engine"
    sample_rate = 24_000

    def engine_voice(self, text: str) -> str:
        if self._voice not in ("", VOICE):
            raise self.refused(f"There is no such voice; there is {VOICE}.")
        return VOICE
