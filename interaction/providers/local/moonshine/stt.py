"""Speech recognition on this machine with Moonshine, once a model of its was fetched."""

from __future__ import annotations

from interaction.providers.config import ProviderConfig
from interaction.providers.declaration import MissingRequirement
from interaction.providers.errors import ProviderRefused
from interaction.providers.local._shared.process_stt import ProcessSpeechToText
from interaction.providers.local.moonshine.models import best, models


def missing_requirement(language: str = "") -> MissingRequirement:
    """What must still be fetched for a language, or for any at all."""
    if language:
        return "" if best(language) else "model"
    return "" if any(model.present for model in models()) else "model"


class SpeechToText(ProcessSpeechToText):
    """Transcribes while the person speaks. One process: it uses every core it gets."""

    module = "interaction.providers.local.moonshine.engine"
    processes = 1

    def __init__(self, config: ProviderConfig) -> None:
        super().__init__(config)
        self._language = config.language
        self._model = config.model

    def _open_options(self) -> list[str | int]:
        if model := best(self._language, self._model):
            return [str(model.path), model.architecture]
        wanted = self._model or f"for the language {self._language}"
        raise ProviderRefused(
            f"There is no Moonshine model {wanted} on this machine.",
            stage="stt",
            provider=self._name,
        )
