"""From what a session asks for to how a provider is made: defaults and keys are filled in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from django.conf import settings
from django.utils.translation import gettext as _

from interaction.core.languages import serves
from interaction.core.types import ProviderSelection
from interaction.credentials.store import (
    Access,
    Credentials,
    NoAccess,
    ReachableEndpoint,
    cached_credentials,
    credentials_of,
    server_setting,
)
from interaction.providers import registry
from interaction.providers.config import KINDS, Kind, ProviderConfig
from interaction.providers.declaration import Capabilities, StageEntry
from interaction.providers.endpoints import ENDPOINT_PREFIX
from interaction.providers.errors import ProviderRefused, ProviderUnauthorized

SPEAKING_KINDS: tuple[Kind, ...] = ("tts", "realtime")
NO_CREDENTIALS = Credentials()


@dataclass(frozen=True, slots=True)
class ProviderOption:
    """A provider as somebody may choose it."""

    name: str
    label: str
    available: bool
    reason: str
    """Why it is not available, and what to do; empty where it is."""
    models: tuple[str, ...]
    """The default one first; any other may be asked for where a key is needed."""
    voices: tuple[str, ...]
    voice: str
    """The default voice in the server's language; empty for what does not speak."""
    languages: tuple[str, ...]
    default: bool
    """It serves where none is chosen."""
    capabilities: Capabilities
    key: str
    """Whose key it would use: ``own``, ``server`` or ``nobody``'s."""


def resolve_choice(
    kind: Kind, choice: ProviderSelection, credentials: Credentials = NO_CREDENTIALS
) -> ProviderSelection:
    """The same choice with the server's defaults in its empty places.

    ``credentials``: those of whoever chooses. ``KeyError`` for a provider that there is not for
    them.
    """
    language = choice.language or settings.ENV.parley_language
    name = choice.name or _default_name(kind, credentials, language)
    endpoint = _endpoint(kind, name, credentials)
    entry = registry.entry(kind, name)
    voice = ""
    if kind in SPEAKING_KINDS:
        suits = choice.voice and _suits(entry, choice.voice, language)
        voice = choice.voice if suits else _default_voice(entry, language, endpoint)
    model = choice.model or _models(entry, endpoint)[0]
    return ProviderSelection(name, model, voice, language)


def provider_names(kind: Kind, credentials: Credentials = NO_CREDENTIALS) -> list[str]:
    """Every provider of a stage that may be named, usable or not."""
    names = list(registry.entries(kind))
    if registry.current().entry_for_endpoints(kind):
        endpoints = credentials.endpoints().values()
        names += [one.name for one in endpoints if kind in one.models]
    return names


def default_fallbacks(
    kind: Kind, credentials: Credentials = NO_CREDENTIALS, language: str = ""
) -> tuple[ProviderSelection, ...]:
    """Who steps in, in order, where a session says neither who serves a stage nor who steps in.

    That is what the server's settings name; else, for a default that runs on this machine, whatever
    else runs here and does the same. One rule-based language model is no substitute for another.
    """
    language = language or settings.ENV.parley_language
    default = _default_name(kind, credentials, language)
    if names := _configured_names(kind):
        able = [name for name in names if serves_language(kind, name, language)]
        return tuple(ProviderSelection(name) for name in able or names if name != default)
    if kind == "llm" or default.startswith(ENDPOINT_PREFIX) or registry.account_of(kind, default):
        return ()
    return tuple(
        ProviderSelection(entry.name)
        for entry in _of_this_machine(kind, language)
        if entry.name != default
    )


def serves_language(kind: Kind, name: str, language: str) -> bool:
    """Whether a provider hears, speaks or writes a language here. An endpoint's models are its
    owner's business, and one that is unknown is found out elsewhere."""
    entry = registry.entries(kind).get(name)
    if entry is None:
        return True
    return entry.serves(language) and registry.missing_requirement(entry, language) != "model"


def able_choices(kind: Kind, choices: Sequence[ProviderSelection]) -> tuple[ProviderSelection, ...]:
    """Those of a stage's effective choices that serve the language they are chosen for; where none
    does, those that stand in. Empty where there is nothing at all."""
    able = tuple(one for one in choices if serves_language(kind, one.name, one.language))
    return able or stand_ins(kind, choices[0].language)


def stand_ins(kind: Kind, language: str) -> tuple[ProviderSelection, ...]:
    """What runs on this machine and serves a language, without being asked: a stranger's server
    gets nobody's voice unasked. Nothing stands in for a language model."""
    if kind == "llm":
        return ()
    return tuple(
        resolve_choice(kind, ProviderSelection(entry.name, language=language))
        for entry in _of_this_machine(kind, language)
    )


def in_language(choice: ProviderSelection, language: str) -> ProviderSelection:
    """The same TTS provider for another language, with its voice for that."""
    entry = registry.entries("tts").get(choice.name)
    voice = entry.voice_for(language) if entry else ""
    return replace(choice, language=language, voice=voice or choice.voice)


async def provider_config(kind: Kind, choice: ProviderSelection, owner_id: int) -> ProviderConfig:
    """How to make what ``owner_id`` chose, key included: for the process that uses it alone.

    Raises ``ProviderUnauthorized`` where there is no key for it, ``ProviderRefused`` where there is
    no such provider (any more).
    """
    if choice.name in registry.entries(kind) and not registry.account_of(kind, choice.name):
        # What runs on this machine is in a hurry, and needs none of the person's rows.
        return _config(kind, choice, NO_CREDENTIALS)
    credentials = await cached_credentials(owner_id) if owner_id else NO_CREDENTIALS
    return _config(kind, choice, credentials)


def provider_options(owner_id: int | None) -> dict[Kind, list[ProviderOption]]:
    """Every provider there is for a person, by kind, with whether they can use it now."""
    return options_with(credentials_of(owner_id))


def options_with(credentials: Credentials) -> dict[Kind, list[ProviderOption]]:
    """The same for somebody whose keys and endpoints are known."""
    return {kind: _options(kind, credentials) for kind in KINDS}


def provider_label(kind: Kind, name: str) -> str:
    """A provider's name for people; its own name where there is none (any more)."""
    if name.startswith(ENDPOINT_PREFIX):
        return name.removeprefix(ENDPOINT_PREFIX)
    entry = registry.entries(kind).get(name) if kind in KINDS else None
    return entry.label if entry else name


def _config(kind: Kind, choice: ProviderSelection, credentials: Credentials) -> ProviderConfig:
    try:
        chosen = resolve_choice(kind, choice, credentials)
        access = _access(kind, chosen.name, credentials)
    except KeyError:
        raise ProviderRefused(
            _("There is no provider of that name."), stage=kind, provider=choice.name
        ) from None
    except NoAccess as missing:
        raise ProviderUnauthorized(
            f"{provider_label(kind, chosen.name)}: {missing.message}",
            stage=kind,
            provider=chosen.name,
        ) from None
    config = ProviderConfig(chosen.name, chosen.model, chosen.voice, chosen.language)
    if access is None:
        return config
    config = replace(config, base_url=access.base_url, api_key=access.api_key)
    if endpoint := _endpoint(kind, chosen.name, credentials):
        return replace(config, sample_rate=endpoint.sample_rate)
    if variable := registry.entry(kind, chosen.name).sample_rate_variable:
        return replace(config, sample_rate=int(server_setting(variable)))
    return config


def _access(kind: Kind, name: str, credentials: Credentials) -> Access | None:
    """None where it takes no key. ``KeyError``, ``NoAccess``."""
    if name.startswith(ENDPOINT_PREFIX):
        return credentials.endpoints()[name].access()
    account = registry.account_of(kind, name)
    return credentials.access(account) if account else None


def _endpoint(kind: Kind, name: str, credentials: Credentials) -> ReachableEndpoint | None:
    """The endpoint of that name; None for a provider that is none. ``KeyError`` where nothing of
    that name serves this stage."""
    if not name.startswith(ENDPOINT_PREFIX):
        registry.entry(kind, name)
        return None
    endpoint = credentials.endpoints()[name]
    endpoint.models[kind]
    return endpoint


def _options(kind: Kind, credentials: Credentials) -> list[ProviderOption]:
    names = provider_names(kind, credentials)
    if not names:
        return []
    default = _default_name(kind, credentials, settings.ENV.parley_language)
    return [_option(kind, name, credentials, is_default=name == default) for name in names]


def _option(kind: Kind, name: str, credentials: Credentials, *, is_default: bool) -> ProviderOption:
    entry = registry.entry(kind, name)
    endpoint = _endpoint(kind, name, credentials)
    reason, whose = "", ""
    try:
        if access := _access(kind, name, credentials):
            whose = access.whose
    except NoAccess as missing:
        reason = missing.message
    return ProviderOption(
        name=name,
        label=provider_label(kind, name),
        available=not (reason := reason or _missing_requirement(entry)),
        reason=reason,
        models=tuple(filter(None, _models(entry, endpoint))),
        voices=endpoint.voices if endpoint else entry.capabilities.voices,
        voice=resolve_choice(kind, ProviderSelection(name), credentials).voice,
        languages=entry.capabilities.languages,
        default=is_default,
        capabilities=entry.capabilities,
        key=whose,
    )


def _missing_requirement(entry: StageEntry) -> str:
    return {
        "": "",
        "package": _("Its package is not installed on this server."),
        "model": _("Its model is not on this server: manage.py models says how to get it."),
    }[registry.missing_requirement(entry)]


def _configured_names(kind: Kind) -> list[str]:
    """What ``PARLEY_STT`` and its like say, in order."""
    configured = getattr(settings.ENV, f"parley_{kind}")
    return [word for part in configured.split(",") if (word := part.strip())]


def _default_name(kind: Kind, credentials: Credentials, language: str) -> str:
    """Who serves where nobody chose. ``KeyError`` where there is no provider at all."""
    if configured := _configured_names(kind):
        able = (name for name in configured if serves_language(kind, name, language))
        return next(able, configured[0])
    entries = registry.entries(kind)
    candidates = _candidates(kind)
    usable = [entry for entry in candidates if _serves_unasked(entry, credentials, language)]
    able_first = sorted(usable, key=lambda entry: (not entry.serves(language), _lacks(entry)))
    # Where none is usable, one whose reason can be shown.
    first = next(chain(able_first, candidates, entries.values()), None)
    if first is None:
        raise KeyError(kind)
    return first.name


def _lacks(entry: StageEntry) -> bool:
    """TTS_VOICE names a voice that this one has not, and what else runs here may have."""
    voice, capabilities = settings.ENV.tts_voice, entry.capabilities
    return bool(voice) and not capabilities.needs_key and voice not in capabilities.voices


def _suits(entry: StageEntry, voice: str, language: str) -> bool:
    """Whether a voice speaks a language: false where it is declared for others alone."""
    spoken = [tag for tag, name in entry.voice_by_language.items() if name == voice]
    return serves(spoken, language)


def _candidates(kind: Kind) -> list[StageEntry]:
    """Those that may serve where nobody chose, in order."""
    entries = registry.entries(kind).values()
    candidates = (entry for entry in entries if entry.default_order is not None)
    return sorted(candidates, key=lambda entry: entry.default_order or 0)


def _of_this_machine(kind: Kind, language: str) -> list[StageEntry]:
    """The candidates that need no key and serve a language here."""
    return [
        entry
        for entry in _candidates(kind)
        if not registry.account_of(kind, entry.name)
        and entry.serves(language)
        and not registry.missing_requirement(entry, language)
    ]


def _serves_unasked(entry: StageEntry, credentials: Credentials, language: str) -> bool:
    account = registry.account_of(entry.kind, entry.name)
    if account and not credentials.has_key(account):
        return False
    return not registry.missing_requirement(entry, language)


def _models(entry: StageEntry, endpoint: ReachableEndpoint | None) -> tuple[str, ...]:
    """The default one first; one empty name where there is nothing to choose."""
    if endpoint:
        return endpoint.models[entry.kind]
    models = entry.capabilities.models
    if entry.model_variable:
        models = tuple(dict.fromkeys((str(server_setting(entry.model_variable)), *models)))
    return models or ("",)


def _default_voice(entry: StageEntry, language: str, endpoint: ReachableEndpoint | None) -> str:
    """TTS_VOICE where that provider can have it, else what suits the language."""
    voices = endpoint.voices if endpoint else entry.capabilities.voices
    if entry.kind == "realtime":
        # One that names no voices has its own, which nobody needs to name.
        return next(iter(voices), "")
    configured: str = settings.ENV.tts_voice
    if configured in voices and _suits(entry, configured, language):
        return configured
    if entry.voice_by_language:
        return entry.voice_for(language) or voices[0]
    declared = (other.capabilities.voices for other in registry.entries(entry.kind).values())
    if configured and not any(configured in row for row in declared):
        return configured  # providers behind a key have voices that nobody declares
    if entry.default_voice and (entry.default_voice in voices or not voices):
        return entry.default_voice
    return next(iter(voices), "")
