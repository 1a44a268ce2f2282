"""Speech recognition on this machine with Moonshine, once a model of its was fetched."""

from __future__ import annotations

import os

from interaction.providers.config import ProviderConfig
from interaction.providers.declaration import MissingRequirement
from interaction.providers.errors import ProviderRefused
from interaction.providers.local._shared.model_files import models_folder
from interaction.providers.local._shared.process_stt import ProcessSpeechToText
from interaction.providers.local.moonshine.models import MODELS, best


def missing_requirement(language: str = "") -> MissingRequirement:
    """What must still be fetched for a language, or for any at all."""
    if language:
        return "" if best(language) else "model"
    return "" if any(model.present for model in MODELS.values()) else "model"


class SpeechToText(ProcessSpeechToText):
    """Transcribes while the person speaks, each process on one core."""

    module = "interaction.providers.local.moonshine.engine"
    processes = min(2, os.cpu_count() or 1)

    def __init__(self, config: ProviderConfig) -> None:
        super().__init__(config)
        self._language = config.language
        self._model = config.model

    async def warm(self) -> None:
        """Start the processes and load the model before somebody waits for them."""
        await super().warm()
        if best(self._language, self._model):
            for engine in self._pool_of_loop().engines:
                async with engine.exchange() as exchange:
                    await exchange.send("load", self._open_options())
                    await exchange.next_answer()

    def _open_options(self) -> list[str]:
        if model := best(self._language, self._model):
            return [str(models_folder()), model.name]
        wanted = self._model or f"for the language {self._language}"
        raise ProviderRefused(
            f"There is no Moonshine model {wanted} on this machine.",
            stage="stt",
            provider=self._name,
        )
