"""Every provider there is, by kind and name. Nothing is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, overload

from interaction.providers.base import (
    Capabilities,
    Kind,
    LanguageModel,
    ProviderConfig,
    SpeechToText,
    TextToSpeech,
)

OPENAI_VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
    *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
)
ESPEAK_VOICES = ("en-us", "en-gb", "en-gb-scotland", "cmn", "yue")


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    """A name for people."""
    path: str
    """``module:Class``; the class is made with a ``ProviderConfig`` alone."""
    capabilities: Capabilities


TABLE: Mapping[Kind, Mapping[str, Entry]] = {
    "stt": {
        "pocketsphinx": Entry(
            "PocketSphinx",
            "interaction.providers.local.pocketsphinx:SpeechToText",
            Capabilities(streaming=True, languages=("en",), sample_rate=16_000),
        ),
        "openai": Entry(
            "OpenAI",
            "interaction.providers.openai:SpeechToText",
            Capabilities(
                streaming=False,
                sample_rate=16_000,
                models=("gpt-transcribe",),
                needs_key=True,
            ),
        ),
    },
    "llm": {
        "demo": Entry(
            "Demo agent",
            "interaction.providers.local.demo.agent:LanguageModel",
            Capabilities(streaming=True, languages=("en", "zh-Hant")),
        ),
        "echo": Entry(
            "Echo",
            "interaction.providers.local.echo:LanguageModel",
            Capabilities(streaming=True),
        ),
        "openai": Entry(
            "OpenAI",
            "interaction.providers.openai:LanguageModel",
            Capabilities(streaming=True, needs_key=True),
        ),
    },
    "tts": {
        "espeak": Entry(
            "eSpeak NG",
            "interaction.providers.local.espeak:TextToSpeech",
            Capabilities(
                streaming=True,
                languages=("en", "zh"),
                sample_rate=22_050,
                voices=ESPEAK_VOICES,
            ),
        ),
        "openai": Entry(
            "OpenAI",
            "interaction.providers.openai:TextToSpeech",
            Capabilities(streaming=True, voices=OPENAI_VOICES, needs_key=True),
        ),
    },
    "realtime": {},
}


@overload
def load(kind: Literal["stt"], config: ProviderConfig) -> SpeechToText: ...
@overload
def load(kind: Literal["llm"], config: ProviderConfig) -> LanguageModel: ...
@overload
def load(kind: Literal["tts"], config: ProviderConfig) -> TextToSpeech: ...
@overload
def load(kind: Kind, config: ProviderConfig) -> Any: ...
def load(kind: Kind, config: ProviderConfig) -> Any:
    """Make the provider that ``config`` names. ``KeyError`` where there is none of that name.

    A provider may have a coroutine ``warm()``, which does before the first use what takes long.
    """
    module, name = TABLE[kind][config.name].path.split(":")
    return getattr(import_module(module), name)(config)
