"""What a session chooses of a provider, and what a provider is made from. No Django, no SDK."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal["stt", "llm", "tts", "realtime"]
"""What a provider serves: one stage of a cascade, or all three at once (``realtime``)."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """How one provider is to be made. Hashable, so that instances can be kept and reused."""

    name: str
    model: str = ""
    voice: str = ""
    language: str = "en"
    base_url: str = ""
    """Empty: the provider's own address."""
    api_key: str = field(default="", repr=False)
    sample_rate: int = 24_000
    """Hz. TTS over HTTP: raw PCM carries no rate, so it is a setting."""
