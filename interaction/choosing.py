"""From what a session asks for to how a provider is made: defaults and keys are filled in here."""

from __future__ import annotations

from django.conf import settings

from interaction.providers.base import Kind, ProviderChoice, ProviderConfig
from interaction.providers.table import TABLE

LOCAL: dict[Kind, str] = {"stt": "pocketsphinx", "llm": "demo", "tts": "espeak"}
"""What serves where there is no key."""
OPENAI_VOICE = "marin"
ESPEAK_VOICES = {"zh": "cmn", "cmn": "cmn", "yue": "yue"}
"""By language; American English for the others."""


def effective(kind: Kind, choice: ProviderChoice) -> ProviderChoice:
    """The same choice with the server's defaults in its empty places."""
    name = choice.name or _default(kind)
    language = choice.language or settings.ENV.parley_language
    return ProviderChoice(
        name=name,
        model=choice.model or _model(kind, name),
        voice=choice.voice or _voice(name, language) if kind == "tts" else "",
        language=language,
    )


def provider_config(kind: Kind, choice: ProviderChoice, owner_id: int) -> ProviderConfig:
    """How to make what ``owner_id`` chose, key included: for the process that uses it alone."""
    full = effective(kind, choice)
    entry = TABLE[kind][full.name]
    plain = ProviderConfig(full.name, full.model, full.voice, full.language)
    if not entry.capabilities.needs_key:
        return plain
    env = settings.ENV
    return ProviderConfig(
        *(plain.name, plain.model, plain.voice, plain.language),
        base_url=env.openai_base_url,
        api_key=env.openai_api_key.get_secret_value(),
        sample_rate=env.openai_tts_rate,
    )


def _default(kind: Kind) -> str:
    env = settings.ENV
    configured = {"stt": env.parley_stt, "llm": env.parley_llm, "tts": env.parley_tts}[kind]
    return configured or ("openai" if env.openai_api_key.get_secret_value() else LOCAL[kind])


def _model(kind: Kind, name: str) -> str:
    if name != "openai":
        return ""
    env = settings.ENV
    return {
        "stt": env.openai_stt_model,
        "llm": env.openai_model,
        "tts": env.openai_tts_model,
    }[kind]


def _voice(name: str, language: str) -> str:
    """TTS_VOICE where that provider can have it, else what suits the language."""
    configured: str = settings.ENV.tts_voice
    if name != "espeak":
        return configured or OPENAI_VOICE
    if configured in TABLE["tts"][name].capabilities.voices:
        return configured
    return ESPEAK_VOICES.get(language.split("-")[0].lower(), "en-us")
