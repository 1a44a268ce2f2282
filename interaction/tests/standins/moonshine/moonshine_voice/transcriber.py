from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from moonshine_voice.errors import MoonshineError

MOONSHINE_FLAG_FORCE_UPDATE = 1
WORDS = ("it", "was", "the", "best", "of", "times", "it", "was", "the", "worst", "of", "times")
HALF_A_SECOND = 8_000


@dataclass
class Line:
    text: str


@dataclass
class Transcript:
    lines: list[Line]


class Transcriber:
    def __init__(self, path: str, architecture: int, options: dict[str, str]) -> None:
        if not (Path(path) / "tokenizer.bin").exists():
            raise MoonshineError("Failed to load transcriber")

    def create_stream(self, update_interval: float) -> Stream:
        return Stream()


class Stream:
    def __init__(self) -> None:
        self._heard = 0

    def start(self) -> None:
        pass

    def add_audio(self, samples: Sequence[float], rate: int) -> None:
        assert rate == 16_000
        assert all(-1 <= sample <= 1 for sample in samples)
        self._heard += sum(sample != 0 for sample in samples)

    def update_transcription(self, flags: int = 0) -> Transcript:
        count = round(self._heard / HALF_A_SECOND)
        settled = count if flags else count // 2 * 2
        pairs = [WORDS[at : min(at + 2, settled)] for at in range(0, settled, 2)]
        return Transcript([Line(" ".join(pair)) for pair in pairs])

    def stop(self) -> Transcript:
        return self.update_transcription(MOONSHINE_FLAG_FORCE_UPDATE)

    def close(self) -> None:
        pass
