"""Speech recognition on this machine with Moonshine, once a model of its was fetched."""

from __future__ import annotations

from interaction.providers.base import ProviderConfig
from interaction.providers.errors import ProviderRefused
from interaction.providers.local.moonshine_models import best, models
from interaction.providers.local.recogniser import Recogniser
from interaction.providers.table import Lack


def lacks(language: str = "") -> Lack:
    """What must still be fetched for a language, or for any at all."""
    if language:
        return "" if best(language) else "model"
    return "" if any(model.present for model in models()) else "model"


class SpeechToText(Recogniser):
    """Works on what was said while more is said. One process: it uses every core it gets."""

    module = "interaction.providers.local.transcribing"
    processes = 1

    def __init__(self, config: ProviderConfig) -> None:
        super().__init__(config)
        self._language = config.language
        self._model = config.model

    def _opening(self) -> list[str | int]:
        if model := best(self._language, self._model):
            return [str(model.path), model.architecture]
        wanted = self._model or f"for the language {self._language}"
        raise ProviderRefused(
            f"There is no Moonshine model {wanted} on this machine.",
            stage="stt",
            provider=self._name,
        )
