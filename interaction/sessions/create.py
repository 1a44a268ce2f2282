"""From the settings that somebody asks for to a session that can be run: its row, and what the
live session needs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from interaction.core.config import ConversationConfig
from interaction.core.engine import SessionSpec
from interaction.core.types import Mode, ProviderSelection
from interaction.credentials.language_support import (
    LANGUAGE_STAGES,
    LanguageStage,
    LanguageWarning,
    language_warnings,
    not_served,
)
from interaction.credentials.provider_selection import (
    able_choices,
    default_fallbacks,
    provider_names,
    resolve_choice,
)
from interaction.credentials.store import Credentials, credentials_of
from interaction.models import PromptTemplate, Session
from interaction.providers.config import Kind
from interaction.sessions.settings import (
    LONGEST_PROMPT,
    ProviderChoice,
    ProviderFallbacks,
    Providers,
    SessionSettings,
)
from interaction.tools.registry import TOOLS

KEPT = {
    "providers",
    "fallbacks",
    "template_id",
    "tools",
    "barge_in_enabled",
    "barge_in",
    "turn_detection",
    "auto_fallback",
    "input_sample_rate",
    "output_sample_rate",
    "time_zone",
}
"""What goes into ``Session.settings``; the rest has a column of its own."""


class SessionRefused(Exception):
    """The session cannot be made or claimed; ``message`` is for the person, ``code`` for
    programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class PreparedSession:
    """What a live session needs."""

    spec: SessionSpec
    config: ConversationConfig
    settings: SessionSettings
    """With defaults filled in."""
    has_row: bool = True
    """False: nothing of it is kept."""
    warnings: tuple[LanguageWarning, ...] = ()
    """What its providers cannot do in its language."""


def create_session(owner: Any, wanted: SessionSettings, *, active: bool) -> Session:
    """Make a session's row with its effective settings. Raises ``SessionRefused``."""
    chosen = with_defaults(wanted, credentials_of(owner.pk))
    return Session.objects.create(
        owner=owner,
        title=chosen.title,
        mode=chosen.mode,
        status=Session.Status.ACTIVE if active else Session.Status.CREATED,
        started_at=timezone.now() if active else None,
        settings=chosen.model_dump(mode="json", include=KEPT),
        system_prompt=chosen.system_prompt,
        recording=chosen.recording,
        recording_agreed_at=timezone.now() if chosen.recording else None,
    )


def prepare_new(owner: Any, wanted: SessionSettings) -> PreparedSession:
    """A session with a row of its own, in progress. Raises ``SessionRefused``."""
    return prepare(create_session(owner, wanted, active=True))


def prepare_claimed(owner: Any, session_id: UUID) -> PreparedSession:
    """A session that was made before, claimed for one caller. Raises ``SessionRefused``."""
    session = Session.objects.owned_by(owner).filter(pk=session_id).first()
    if session is None:
        raise SessionRefused("session_not_found", _("There is no such session of yours."))
    if not Session.start(session.pk):
        raise SessionRefused(
            "session_unavailable",
            _("This session is in use or has ended. Start a new one."),
        )
    return prepare(session)


def prepare_without_row(owner: Any, wanted: SessionSettings) -> PreparedSession:
    """A session of which nothing is kept, no recording either. Raises ``SessionRefused``."""
    unrecorded = wanted.model_copy(update={"recording": False})
    have = credentials_of(owner.pk)
    chosen = with_defaults(unrecorded, have)
    return _prepare(uuid4(), owner.pk, chosen, have, has_row=False)


def prepare(session: Session) -> PreparedSession:
    have = credentials_of(session.owner_id)
    return _prepare(session.pk, session.owner_id, settings_of(session), have, has_row=True)


def warnings_of(chosen: SessionSettings, have: Credentials) -> tuple[LanguageWarning, ...]:
    """What a session with these effective settings cannot do in its language. In realtime mode one
    provider does all of it, and says itself what it cannot."""
    if chosen.mode == "realtime":
        return ()
    by_stage = [(kind, list(_in_order(chosen, kind))) for kind in LANGUAGE_STAGES]
    return tuple(language_warnings(by_stage, have))


async def prepare_in_thread(
    make: Callable[[], PreparedSession], cancelled: str = "server_stopped"
) -> PreparedSession:
    """Call ``make`` in the database thread. Cancelled meanwhile, it waits for the session that is
    being made, and ends its row with the reason ``cancelled``. Raises what ``make`` raises."""
    making = asyncio.ensure_future(database_sync_to_async(make)())
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):  # then none was made
            await end_row(await making, cancelled)
        raise


async def end_row(prepared: PreparedSession, reason: str) -> None:
    """Note in the session's row, where it has one, that it has ended and why."""
    if prepared.has_row:
        await database_sync_to_async(Session.end)(prepared.spec.session_id, reason)


def _prepare(
    session_id: UUID, owner_id: int, chosen: SessionSettings, have: Credentials, *, has_row: bool
) -> PreparedSession:
    detection = chosen.turn_detection.to_core(chosen.providers.stt.language)
    return PreparedSession(
        SessionSpec(
            session_id=session_id,
            owner_id=owner_id,
            stt=_in_order(chosen, "stt"),
            llm=_in_order(chosen, "llm"),
            tts=_in_order(chosen, "tts"),
            realtime=_plain(realtime) if (realtime := chosen.providers.realtime).name else None,
            mode=chosen.mode,
            tools=tuple(chosen.tools),
            redact=settings.ENV.parley_redact,
            recording=chosen.recording,
            auto_fallback=chosen.auto_fallback,
            system_prompt=chosen.system_prompt,
            turns=detection,
            barge_in=chosen.barge_in != "off",
            time_zone=chosen.time_zone,
        ),
        ConversationConfig(
            system_prompt=chosen.system_prompt,
            barge_in=chosen.barge_in,
            turn_detection=detection,
            context_turns=settings.ENV.parley_context_turns,
            context_tokens=settings.ENV.parley_context_tokens,
        ),
        chosen,
        has_row,
        warnings_of(chosen, have),
    )


def settings_of(session: Session) -> SessionSettings:
    """A row's settings, from its columns and its field ``settings``."""
    return SessionSettings(
        mode=cast("Mode", session.mode),
        system_prompt=session.system_prompt,
        recording=session.recording,
        title=session.title,
        **session.settings,
    )


def with_defaults(wanted: SessionSettings, have: Credentials) -> SessionSettings:
    """The same with every provider named and the prompt written out.

    Recognisers and voices that do not serve the session's language are passed over for those that
    do. ``have``: the owner's keys and endpoints. Raises ``SessionRefused`` for a provider, a
    template or a tool that does not exist, and where nothing speaks the language.
    """
    _check_tools(wanted.tools)
    providers: dict[Kind, ProviderChoice] = {}
    fallbacks: dict[LanguageStage, list[ProviderChoice]] = {}
    for kind in LANGUAGE_STAGES:
        providers[kind], *fallbacks[kind] = _stage(kind, wanted, have)
    providers["realtime"] = _effective("realtime", wanted.providers.realtime, have)
    return wanted.model_copy(
        update={
            "providers": Providers(**providers),
            "fallbacks": ProviderFallbacks(**fallbacks),
            "system_prompt": _prompt(wanted),
        }
    )


def _stage(kind: LanguageStage, wanted: SessionSettings, have: Credentials) -> list[ProviderChoice]:
    """Who serves a stage, and who steps in, in order."""
    first: ProviderChoice = getattr(wanted.providers, kind)
    others = _fallbacks(kind, wanted, have)
    choices = [_effective(kind, choice, have) for choice in (first, *others)]
    if kind == "llm":
        return choices
    able = able_choices(kind, [_plain(choice) for choice in choices])
    if not able and kind == "tts" and wanted.mode == "cascade":
        names = (choice.name for choice in choices)
        message = not_served(kind, names, choices[0].language, have)
        raise SessionRefused("language_not_spoken", message)
    # What is typed can be answered where nothing hears the language.
    return [_choice(one) for one in able] or choices


def _fallbacks(
    kind: LanguageStage, wanted: SessionSettings, have: Credentials
) -> list[ProviderChoice]:
    """The fallbacks of a stage, in its provider's language: the server's, where neither they nor
    its provider are chosen."""
    first: ProviderChoice = getattr(wanted.providers, kind)
    chosen: list[ProviderChoice] = getattr(wanted.fallbacks, kind)
    if not chosen and not first.name:
        chosen = [_choice(one) for one in default_fallbacks(kind, have, first.language)]
    language = first.language
    return [
        one if one.language else one.model_copy(update={"language": language}) for one in chosen
    ]


def _prompt(wanted: SessionSettings) -> str:
    if wanted.template_id is None:
        return wanted.system_prompt
    template = PromptTemplate.objects.active().filter(pk=wanted.template_id).first()
    if template is None:
        raise SessionRefused(
            "unknown_template",
            _("template_id: there is no such template, or it is not active."),
        )
    prompt = template.prompt(wanted.system_prompt, wanted.providers.stt.language)
    if len(prompt) > LONGEST_PROMPT:
        raise SessionRefused(
            "prompt_too_long",
            _("The template and system_prompt are longer than %(limit)d characters together.")
            % {"limit": LONGEST_PROMPT},
        )
    return prompt


def _check_tools(names: list[str]) -> None:
    if unknown := [name for name in names if name not in TOOLS]:
        raise SessionRefused(
            "unknown_tool",
            _("tools: %(unknown)s is none of: %(names)s.")
            % {"unknown": unknown[0], "names": ", ".join(TOOLS)},
        )


def _in_order(chosen: SessionSettings, kind: str) -> tuple[ProviderSelection, ...]:
    """The provider chosen for a stage, and those that step in for it."""
    first, others = getattr(chosen.providers, kind), getattr(chosen.fallbacks, kind)
    return tuple(_plain(choice) for choice in (first, *others))


def _effective(kind: Any, choice: ProviderChoice, have: Credentials) -> ProviderChoice:
    try:
        full = resolve_choice(kind, _plain(choice), have)
    except KeyError:
        raise SessionRefused(
            "unknown_provider",
            _("providers.%(kind)s.name must be one of: %(names)s.")
            % {"kind": kind, "names": ", ".join(provider_names(kind, have))},
        ) from None
    return _choice(full)


def _choice(full: ProviderSelection) -> ProviderChoice:
    return ProviderChoice(
        name=full.name, model=full.model, voice=full.voice, language=full.language
    )


def _plain(choice: ProviderChoice) -> ProviderSelection:
    return ProviderSelection(**choice.model_dump())
