"""Moonshine's models: which there are, which are on this disk, and how to get one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from moonshine_voice import ModelArch
from moonshine_voice.download import download_model_from_info
from moonshine_voice.download_file import get_cache_dir
from moonshine_voice.moonshine_api import (
    moonshine_get_stt_catalog_string,
    moonshine_get_stt_dependencies_string,
)

Progress = Callable[[float, str], None]
"""Called with the part that is done, 0 to 1, and the file that is being fetched."""


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    """Size, kind and language, as ``small-streaming-en``."""
    language: str
    architecture: int
    url: str
    files: tuple[tuple[str, int], ...]
    """Name and bytes of each."""

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(size for _, size in self.files)

    @property
    def streams(self) -> bool:
        """It works on while the person speaks; others start anew with each update."""
        return "streaming" in self.name

    @property
    def free(self) -> bool:
        """Whether its licence lets it be used for anything; the others' is for no commerce."""
        return self.language == "en"

    @property
    def path(self) -> Path:
        return Path(get_cache_dir(), self.url.removeprefix("https://"))

    @property
    def present(self) -> bool:
        """All of it is on this disk."""
        try:
            return all((self.path / name).stat().st_size == size for name, size in self.files)
        except OSError:
            return False

    def download(self, progress: Progress) -> None:
        """Fetch what is missing of it. Raises ``OSError`` or ``ValueError`` where that fails."""
        wanted = {
            "language": self.language,
            "model_arch": ModelArch(self.architecture),
            "download_url": self.url,
        }
        download_model_from_info(wanted, on_progress=progress)


@cache
def models() -> tuple[Model, ...]:
    """All that there are, by language, the best first."""
    catalog = json.loads(moonshine_get_stt_catalog_string())
    found = [
        _model(language["code"], entry["model_arch"], entry["download_url"])
        for language in catalog["languages"]
        for entry in language["models"]
    ]
    return tuple(sorted(found, key=lambda model: (model.language, not model.streams, -model.size)))


def best(language: str, name: str = "") -> Model | None:
    """The model on this disk that serves a language best, or the one that is named."""
    spoken = language.split("-")[0].lower()
    fitting = (
        model
        for model in models()
        if (model.name == name if name else model.language == spoken) and model.present
    )
    return next(fitting, None)


def _model(language: str, architecture: int, url: str) -> Model:
    manifest = json.loads(
        moonshine_get_stt_dependencies_string(language, {"model_arch": architecture})
    )
    size = ModelArch(architecture).name.lower().replace("_", "-")
    files = tuple((file["name"], file["size"]) for file in manifest["groups"][0]["files"])
    return Model(f"{size}-{language}", language, architecture, url, files)
