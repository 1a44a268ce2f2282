"""Every provider there is, by kind and name. Nothing is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
REALTIME_VOICES = (
    *("marin", "cedar", "alloy", "ash", "ballad", "coral", "echo"),
    *("sage", "shimmer", "verse"),
)
GEMINI_VOICES = ("Puck", "Charon", "Kore", "Fenrir", "Aoede", "Leda", "Orus", "Zephyr")
ESPEAK_VOICES = ("en-us", "en-gb", "en-gb-scotland", "cmn", "yue")
ELEVENLABS_VOICES = ("Sarah", "George", "Alice", "Brian", "Daniel", "Jessica", "Liam", "Lily")
"""By name; any voice may be given by its id too."""
MOONSHINE_LANGUAGES = ("en", "ar", "de", "es", "ja", "ko", "tl", "uk", "vi", "zh")


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    """A name for people."""
    path: str
    """``module:Class``; the class is made with a ``ProviderConfig`` alone."""
    capabilities: Capabilities
    account: str = ""
    """Whose key it takes (``accounts.py``), where that account is not named as the provider is."""
    lacks: str = ""
    """``module:function``, ``() -> Lack``, that says without delay what it must have on this
    machine and has not. For providers with parts that a person fetches."""


Lack = Literal["", "package", "model"]
"""Nothing; a Python package; a model that has to be downloaded."""

ENDPOINT = "endpoint:"
"""Begins the provider name of an endpoint that a person or the server named: a server that speaks
OpenAI's protocol."""

OURSELVES = "parley"
"""The realtime provider that is this server itself."""

TABLE: Mapping[Kind, Mapping[str, Entry]] = {
    "stt": {
        "pocketsphinx": Entry(
            "PocketSphinx",
            "interaction.providers.local.pocketsphinx:SpeechToText",
            Capabilities(streaming=True, languages=("en",), sample_rate=16_000),
        ),
        "moonshine": Entry(
            "Moonshine",
            "interaction.providers.local.moonshine:SpeechToText",
            Capabilities(streaming=True, languages=MOONSHINE_LANGUAGES, sample_rate=16_000),
            lacks="interaction.providers.local.moonshine:lacks",
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
        "openai-live": Entry(
            "OpenAI, live",
            "interaction.providers.openai_transcription:SpeechToText",
            Capabilities(
                streaming=True,
                sample_rate=24_000,
                models=("gpt-live-transcribe", "gpt-realtime-whisper"),
                needs_key=True,
            ),
            account="openai",
        ),
        "deepgram": Entry(
            "Deepgram",
            "interaction.providers.deepgram:SpeechToText",
            Capabilities(
                streaming=True,
                sample_rate=16_000,
                models=("nova-3", "nova-2"),
                needs_key=True,
            ),
        ),
    },
    "llm": {
        "demo": Entry(
            "Demo agent",
            "interaction.providers.local.demo.agent:LanguageModel",
            Capabilities(streaming=True, languages=("en", "zh-Hant"), tools=True),
        ),
        "echo": Entry(
            "Echo",
            "interaction.providers.local.echo:LanguageModel",
            Capabilities(streaming=True),
        ),
        "openai": Entry(
            "OpenAI",
            "interaction.providers.openai:LanguageModel",
            Capabilities(streaming=True, models=("gpt-5-mini",), tools=True, needs_key=True),
        ),
        "gemini": Entry(
            "Google Gemini",
            "interaction.providers.gemini:LanguageModel",
            Capabilities(
                streaming=True,
                models=("gemini-3.8-flash", "gemini-3.5-flash-lite"),
                tools=True,
                needs_key=True,
            ),
        ),
        "anthropic": Entry(
            "Anthropic",
            "interaction.providers.anthropic:LanguageModel",
            Capabilities(
                streaming=True,
                models=("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"),
                tools=True,
                needs_key=True,
            ),
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
            Capabilities(
                streaming=True, models=("gpt-4o-mini-tts",), voices=OPENAI_VOICES, needs_key=True
            ),
        ),
        "elevenlabs": Entry(
            "ElevenLabs",
            "interaction.providers.elevenlabs:TextToSpeech",
            Capabilities(
                streaming=True,
                sample_rate=24_000,
                models=("eleven_flash_v2_5", "eleven_multilingual_v2"),
                voices=ELEVENLABS_VOICES,
                needs_key=True,
            ),
        ),
    },
    "realtime": {
        "openai": Entry(
            "OpenAI Realtime",
            "interaction.providers.openai_realtime:RealtimeModel",
            Capabilities(
                streaming=True,
                sample_rate=24_000,
                models=("gpt-realtime-2.1", "gpt-realtime-2.1-mini"),
                voices=REALTIME_VOICES,
                tools=True,
                needs_key=True,
            ),
        ),
        "gemini": Entry(
            "Gemini Live",
            "interaction.providers.gemini_live:RealtimeModel",
            Capabilities(
                streaming=True,
                sample_rate=16_000,
                models=("gemini-3.8-live", "gemini-3.1-flash-live-preview"),
                voices=GEMINI_VOICES,
                tools=True,
                needs_key=True,
            ),
        ),
        OURSELVES: Entry(
            "Parley itself",
            "interaction.providers.openai_realtime:RealtimeModel",
            Capabilities(streaming=True, sample_rate=24_000, models=("default",), tools=True),
        ),
    },
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

    What the configuration leaves open is the first one of the table's models and voices, but for
    a named endpoint, of which the table knows none. A provider may have a coroutine ``warm()``,
    which does before the first use what takes long.
    """
    known = entry(kind, config.name)
    if not config.name.startswith(ENDPOINT):
        models, voices = known.capabilities.models, known.capabilities.voices
        config = replace(
            config,
            model=config.model or next(iter(models), ""),
            voice=config.voice or next(iter(voices), ""),
        )
    return _load(known.path)(config)


def prepare(kind: Kind, name: str) -> None:
    """Import what ``load`` will need. It can take a second, so not on an event loop's thread."""
    import_module(entry(kind, name).path.partition(":")[0])


def entry(kind: Kind, name: str) -> Entry:
    """What is known of a provider; ``KeyError`` where there is none of that name.

    A named endpoint is made as OpenAI is, with an address of its own.
    """
    return TABLE[kind]["openai" if name.startswith(ENDPOINT) else name]


def lacking(entry: Entry, language: str = "") -> Lack:
    """What keeps it from being used on this machine, for a language or at all."""
    if not entry.lacks:
        return ""
    try:
        lack: Lack = _load(entry.lacks)(language)
    except ModuleNotFoundError:
        return "package"
    return lack


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)
