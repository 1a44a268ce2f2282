"""Which providers serve a language, said to whoever chose one that they do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils.translation import gettext as _

from interaction.core.languages import primary
from interaction.core.types import ProviderSelection
from interaction.credentials.provider_selection import (
    default_fallbacks,
    provider_label,
    provider_names,
    resolve_choice,
    serves_language,
    stand_ins,
)
from interaction.credentials.store import Credentials, NoAccess
from interaction.providers import registry

LanguageStage = Literal["stt", "llm", "tts"]
LANGUAGE_STAGES: tuple[LanguageStage, ...] = ("stt", "llm", "tts")
NAMES = {
    "zh-tw": "繁體中文",
    "zh-cn": "简体中文",
    "yue": "粵語",
    "zh-hant": "繁體中文",
    "zh": "中文",
}


@dataclass(frozen=True, slots=True)
class LanguageService:
    """Who serves one stage in one language for one person."""

    default: str
    """The provider where none is chosen."""
    steps_in: tuple[str, ...]
    """The fallbacks where neither is chosen."""
    able: tuple[str, ...]
    """Every provider that serves the language, usable or not."""
    serves: tuple[str, ...]
    """Those of them whose model for it is here, or on a server of theirs."""
    ready: tuple[str, ...]
    """Those of them that can be used now and are worth proposing."""
    stands_in: str
    """Who serves where none of the chosen ones does; empty for nobody."""
    voices: Mapping[str, tuple[str, ...]]
    """TTS: by provider, its voices that speak the language, the default one first. Providers whose
    voices speak any language are left out."""


@dataclass(frozen=True, slots=True)
class LanguageWarning:
    """A stage of a session that cannot do its work in the session's language."""

    code: Literal["language_not_heard", "language_not_written"]
    stage: LanguageStage
    message: str


def language_name(tag: str) -> str:
    """A language's name for itself; its tag where that is not known."""
    lower = tag.lower()
    known = NAMES.get(lower) or LANG_INFO.get(lower, {}).get("name_local")
    return str(known or LANG_INFO.get(primary(tag), {}).get("name_local", tag))


def language_service(kind: LanguageStage, language: str, have: Credentials) -> LanguageService:
    """``language``: empty for the server's."""
    language = language or settings.ENV.parley_language
    entries = registry.entries(kind)
    able = [
        name
        for name in provider_names(kind, have)
        if name not in entries or entries[name].serves(language)
    ]
    default = resolve_choice(kind, ProviderSelection("", language=language), have).name
    return LanguageService(
        default=default,
        steps_in=tuple(one.name for one in default_fallbacks(kind, have, language)),
        able=tuple(able),
        serves=tuple(name for name in able if serves_language(kind, name, language)),
        ready=tuple(name for name in able if _is_ready(kind, name, language, have)),
        stands_in=next((one.name for one in stand_ins(kind, language)), ""),
        voices={
            name: entries[name].voices_for(language)
            for name in able
            if name in entries and entries[name].voice_by_language
        },
    )


def not_served(kind: LanguageStage, names: Iterable[str], language: str, have: Credentials) -> str:
    """The sentences that say so: who does not serve the language, and what would help."""
    served_by = {
        "stt": _("%(names)s does not understand %(language)s."),
        "llm": _("%(names)s does not answer in %(language)s."),
        "tts": _("%(names)s does not speak %(language)s."),
    }[kind]
    facts = {"names": _listed(kind, names), "language": language_name(language)}
    return " ".join(filter(None, (served_by % facts, what_helps(kind, language, have))))


def what_helps(kind: LanguageStage, language: str, have: Credentials) -> str:
    """Which provider serves the language: one that is ready, or one that needs a key or a model."""
    service = language_service(kind, language, have)
    if service.ready:
        return _("Choose %(names)s.") % {"names": _listed(kind, service.ready)}
    keyed = [name for name in service.able if registry.account_of(kind, name)]
    others = [name for name in service.able if name not in (*keyed, *service.serves)]
    return " ".join(
        text % {"names": _listed(kind, names)}
        for text, names in (
            (_("%(names)s would, with a model for it."), others),
            (_("With a key of yours, %(names)s would."), keyed),
        )
        if names
    ) or _("No provider of this server does.")


def _listed(kind: LanguageStage, names: Iterable[str]) -> str:
    return " · ".join(dict.fromkeys(provider_label(kind, name) for name in names))


def _is_ready(kind: LanguageStage, name: str, language: str, have: Credentials) -> bool:
    entry = registry.entries(kind).get(name)
    if entry is None:
        return True  # an endpoint
    if registry.missing_requirement(entry, language):
        return False
    account = registry.account_of(kind, name)
    try:
        # What serves nobody unasked and runs here is a tool for trials, such as the echo.
        return have.access(account) is not None if account else entry.default_order is not None
    except NoAccess:
        return False


def language_warnings(
    chosen: Iterable[tuple[LanguageStage, list[ProviderSelection]]], have: Credentials
) -> list[LanguageWarning]:
    """What cannot be heard or answered with these effective choices, by stage in order."""
    warnings = []
    for kind, choices in chosen:
        language = choices[0].language
        if kind == "tts" or any(serves_language(kind, one.name, language) for one in choices):
            continue
        message = not_served(kind, (one.name for one in choices), language, have)
        code: Literal["language_not_heard", "language_not_written"] = (
            "language_not_heard" if kind == "stt" else "language_not_written"
        )
        warnings.append(LanguageWarning(code, kind, message))
    return warnings
