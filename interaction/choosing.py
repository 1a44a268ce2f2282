"""From what a session asks for to how a provider is made: defaults and keys are filled in here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.translation import gettext as _

from interaction.holdings import Access, Holdings, NoAccess, Reachable, holdings, remembered
from interaction.providers.accounts import account_of
from interaction.providers.base import Capabilities, Kind, ProviderChoice, ProviderConfig
from interaction.providers.errors import ProviderRefused, ProviderUnauthorized
from interaction.providers.table import ENDPOINT, OURSELVES, TABLE, entry, lacking

LOCAL: dict[Kind, tuple[str, ...]] = {
    "stt": ("moonshine", "pocketsphinx"),
    "llm": ("demo",),
    "tts": ("espeak",),
    "realtime": (OURSELVES,),
}
"""What serves where there is no key: the first that has all its parts for the language."""
SPEAKS: tuple[Kind, ...] = ("tts", "realtime")
NOTHING = Holdings()
OPENAI_VOICE = "marin"
ESPEAK_VOICES = {"zh": "cmn", "cmn": "cmn", "yue": "yue"}
"""By language; American English for the others."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider as somebody may choose it."""

    name: str
    label: str
    available: bool
    reason: str
    """Why it is not, and what to do; empty where it is."""
    models: tuple[str, ...]
    """The default first; any other may be asked for where a key is needed."""
    voices: tuple[str, ...]
    voice: str
    """The default, in the server's language; of those that speak."""
    languages: tuple[str, ...]
    default: bool
    """It serves where none is chosen."""
    capabilities: Capabilities
    key: str
    """Whose key it would use: ``own``, ``server`` or ``nobody``'s."""


def effective(kind: Kind, choice: ProviderChoice, have: Holdings = NOTHING) -> ProviderChoice:
    """The same choice with the server's defaults in its empty places.

    ``have``: what whoever chooses has. ``KeyError`` for a provider that there is not for them.
    """
    language = choice.language or settings.ENV.parley_language
    name = choice.name or _default(kind, have, language)
    endpoint = _endpoint(kind, name, have)
    return ProviderChoice(
        name=name,
        model=choice.model or _models(kind, name, endpoint)[0],
        voice=choice.voice or _voice(kind, name, language, endpoint) if kind in SPEAKS else "",
        language=language,
    )


def names(kind: Kind, have: Holdings = NOTHING) -> list[str]:
    """Every provider of a stage that may be named, usable or not."""
    endpoints = have.endpoints().values()
    return [*TABLE[kind], *(one.name for one in endpoints if kind in one.models)]


def fallbacks(kind: Kind) -> tuple[ProviderChoice, ...]:
    """Who steps in, in order, where a session says neither who serves a stage nor who steps in."""
    return tuple(ProviderChoice(name) for name in _configured(kind)[1:])


async def provider_config(kind: Kind, choice: ProviderChoice, owner_id: int) -> ProviderConfig:
    """How to make what ``owner_id`` chose, key included: for the process that uses it alone.

    Raises ``ProviderUnauthorized`` where there is no key for it, ``ProviderRefused`` where there is
    no such provider (any more).
    """
    if choice.name in TABLE[kind] and not account_of(kind, choice.name):
        return _config(kind, choice, NOTHING)  # the hurried path of what runs on this machine
    return _config(kind, choice, await remembered(owner_id) if owner_id else NOTHING)


def availability(owner_id: int | None) -> dict[Kind, list[Offer]]:
    """Every provider there is for a person, by kind, with whether they can use it now."""
    have = holdings(owner_id)
    return {kind: [_offer(kind, name, have) for name in names(kind, have)] for kind in TABLE}


def label(kind: Kind, name: str) -> str:
    """A provider's name for people; its own name where there is none (any more)."""
    if name.startswith(ENDPOINT):
        return name.removeprefix(ENDPOINT)
    known = TABLE.get(kind, {}).get(name)
    return known.label if known else name


def _config(kind: Kind, choice: ProviderChoice, have: Holdings) -> ProviderConfig:
    try:
        full = effective(kind, choice, have)
        access = _access(kind, full.name, have)
    except KeyError:
        raise ProviderRefused(
            _("There is no provider of that name."), stage=kind, provider=choice.name
        ) from None
    except NoAccess as missing:
        raise ProviderUnauthorized(
            f"{label(kind, full.name)}: {missing.message}", stage=kind, provider=full.name
        ) from None
    config = ProviderConfig(full.name, full.model, full.voice, full.language)
    if access is None:
        return config
    config = replace(config, base_url=access.base_url, api_key=access.api_key)
    if full.name.startswith(ENDPOINT):
        return replace(config, sample_rate=have.endpoints()[full.name].sample_rate)
    if full.name == "openai":
        return replace(config, sample_rate=settings.ENV.openai_tts_rate)
    return config


def _access(kind: Kind, name: str, have: Holdings) -> Access | None:
    """None where it takes no key. ``KeyError``, ``NoAccess``."""
    if name.startswith(ENDPOINT):
        return have.endpoints()[name].access()
    account = account_of(kind, name)
    return have.access(account) if account else None


def _endpoint(kind: Kind, name: str, have: Holdings) -> Reachable | None:
    """The endpoint of that name. ``KeyError`` where nothing of that name serves this stage."""
    if not name.startswith(ENDPOINT):
        entry(kind, name)
        return None
    endpoint = have.endpoints()[name]
    endpoint.models[kind]
    return endpoint


def _offer(kind: Kind, name: str, have: Holdings) -> Offer:
    known = entry(kind, name)
    endpoint = _endpoint(kind, name, have)
    reason, whose = "", ""
    try:
        if access := _access(kind, name, have):
            whose = access.whose
    except NoAccess as missing:
        reason = missing.message
    capabilities = known.capabilities
    plain = effective(kind, ProviderChoice(name), have)
    return Offer(
        name=name,
        label=label(kind, name),
        available=not (reason := reason or _lack(kind, name)),
        reason=reason,
        models=tuple(filter(None, _models(kind, name, endpoint))),
        voices=endpoint.voices if endpoint else capabilities.voices,
        voice=plain.voice,
        languages=capabilities.languages,
        default=name == _default(kind, have, settings.ENV.parley_language),
        capabilities=capabilities,
        key=whose,
    )


def _lack(kind: Kind, name: str) -> str:
    return {
        "": "",
        "package": _("Its package is not installed on this server."),
        "model": _("Its model is not on this server: manage.py models says how to get it."),
    }[lacking(entry(kind, name))]


def _configured(kind: Kind) -> list[str]:
    env = settings.ENV
    configured = {
        "stt": env.parley_stt,
        "llm": env.parley_llm,
        "tts": env.parley_tts,
        "realtime": env.parley_realtime,
    }
    return [word for part in configured.get(kind, "").split(",") if (word := part.strip())]


def _default(kind: Kind, have: Holdings, language: str) -> str:
    if configured := _configured(kind):
        return configured[0]
    env = settings.ENV
    if "openai" in have.keys or env.openai_api_key.get_secret_value():
        return "openai"
    has_gemini = "gemini" in have.keys or env.gemini_api_key.get_secret_value()
    if kind == "realtime" and has_gemini:
        return "gemini"
    return next(name for name in LOCAL[kind] if not lacking(TABLE[kind][name], language))


def _models(kind: Kind, name: str, endpoint: Reachable | None) -> tuple[str, ...]:
    """The default one first; one empty name where there is nothing to choose."""
    if endpoint:
        return endpoint.models[kind]
    models = TABLE[kind][name].capabilities.models
    if name == "openai":
        env = settings.ENV
        first = {
            "stt": env.openai_stt_model,
            "llm": env.openai_model,
            "tts": env.openai_tts_model,
            "realtime": env.openai_realtime_model,
        }
        models = tuple(dict.fromkeys((first[kind], *models)))
    return models or ("",)


def _voice(kind: Kind, name: str, language: str, endpoint: Reachable | None) -> str:
    """TTS_VOICE where that provider can have it, else what suits the language."""
    if kind == "realtime":
        # One that names no voices has its own, which nobody needs to name.
        voices = endpoint.voices if endpoint else TABLE[kind][name].capabilities.voices
        return next(iter(voices), "")
    configured: str = settings.ENV.tts_voice
    voices = endpoint.voices if endpoint else TABLE["tts"][name].capabilities.voices
    if configured in voices:
        return configured
    if name == "espeak":
        return ESPEAK_VOICES.get(language.split("-")[0].lower(), "en-us")
    others = (other.capabilities.voices for other in TABLE["tts"].values())
    if configured and not any(configured in row for row in others):
        return configured  # providers behind a key have voices that no table knows
    return OPENAI_VOICE if OPENAI_VOICE in voices or not voices else voices[0]
