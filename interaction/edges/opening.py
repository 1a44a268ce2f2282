"""From what somebody asks for to a session that can begin: its row, and what drives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from interaction.core.effects import Mode
from interaction.core.signals import ConversationConfig
from interaction.credentials.provider_selection import (
    default_fallbacks,
    provider_names,
    resolve_choice,
)
from interaction.credentials.store import Credentials, credentials_of
from interaction.edges import parley, protocol
from interaction.edges.protocol import (
    LONGEST_PROMPT,
    SessionSettings,
    SessionStarted,
    StartSession,
)
from interaction.engine import SessionSpec
from interaction.models import PromptTemplate, Session
from interaction.providers.config import ProviderChoice
from interaction.tools.table import TABLE as TOOLS

KINDS = ("stt", "llm", "tts")
"""The stages of a cascade."""
KEPT = {
    "providers",
    "fallbacks",
    "template_id",
    "tools",
    "barge_in_enabled",
    "turn_detection",
    "auto_fallback",
    "input_sample_rate",
    "output_sample_rate",
}
"""What goes into ``Session.settings``; the rest has a column of its own."""


class CannotOpen(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Opened:
    spec: SessionSpec
    config: ConversationConfig
    started: SessionStarted


def create(owner: Any, wanted: SessionSettings, *, active: bool) -> Session:
    """Make a session's row with its effective settings. Raises ``CannotOpen``."""
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
    )


def begin(owner: Any, start: StartSession) -> Opened:
    """Make a session, or claim one made before, for whoever calls. Raises ``CannotOpen``."""
    if start.session_id is None:
        return opened(create(owner, start, active=True))
    session = Session.objects.owned_by(owner).filter(pk=start.session_id).first()
    if session is None:
        raise CannotOpen("session_not_found", _("There is no such session of yours."))
    if not Session.start(session.pk):
        raise CannotOpen(
            "session_unavailable",
            _("This session is in use or has ended. Start a new one."),
        )
    return opened(session)


def opened(session: Session) -> Opened:
    """What drives this session, from its row."""
    return driven(session.pk, session.owner_id, settings_of(session))


def driven(session_id: UUID, owner_id: int, chosen: SessionSettings) -> Opened:
    """What drives a session with these settings, its defaults filled in."""
    detection = parley.turn_detection(chosen.turn_detection)
    return Opened(
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
            barge_in=chosen.barge_in_enabled,
        ),
        ConversationConfig(
            system_prompt=chosen.system_prompt,
            barge_in=chosen.barge_in_enabled,
            turn_detection=detection,
            context_turns=settings.ENV.parley_context_turns,
            context_tokens=settings.ENV.parley_context_tokens,
        ),
        SessionStarted(
            session_id=session_id,
            **chosen.model_dump(exclude={"title"}),
        ),
    )


def settings_of(session: Session) -> SessionSettings:
    return SessionSettings(
        mode=cast("Mode", session.mode),
        system_prompt=session.system_prompt,
        recording=session.recording,
        title=session.title,
        **session.settings,
    )


def with_defaults(wanted: SessionSettings, have: Credentials) -> SessionSettings:
    """The same with every provider named and the prompt written out.

    ``have``: what the owner has. Raises ``CannotOpen`` for a provider, a template or a tool that
    does not exist.
    """
    _check_tools(wanted.tools)
    providers = {kind: _effective(kind, getattr(wanted.providers, kind), have) for kind in KINDS}
    providers["realtime"] = _effective("realtime", wanted.providers.realtime, have)
    fallbacks = {
        kind: [_effective(kind, choice, have) for choice in _fallbacks(kind, wanted)]
        for kind in KINDS
    }
    return wanted.model_copy(
        update={
            "providers": protocol.Providers(**providers),
            "fallbacks": protocol.ProviderFallbacks(**fallbacks),
            "system_prompt": _prompt(wanted),
        }
    )


def _fallbacks(kind: Any, wanted: SessionSettings) -> list[protocol.ProviderChoice]:
    """The server's where nothing is chosen."""
    chosen: list[protocol.ProviderChoice] = getattr(wanted.fallbacks, kind)
    if chosen or getattr(wanted.providers, kind).name:
        return chosen
    return [protocol.ProviderChoice(name=choice.name) for choice in default_fallbacks(kind)]


def _prompt(wanted: SessionSettings) -> str:
    if wanted.template_id is None:
        return wanted.system_prompt
    template = PromptTemplate.objects.active().filter(pk=wanted.template_id).first()
    if template is None:
        raise CannotOpen(
            "unknown_template",
            _("template_id: there is no such template, or it is not active."),
        )
    prompt = template.prompt(wanted.system_prompt)
    if len(prompt) > LONGEST_PROMPT:
        raise CannotOpen(
            "prompt_too_long",
            _("The template and system_prompt are longer than %(limit)d characters together.")
            % {"limit": LONGEST_PROMPT},
        )
    return prompt


def _check_tools(names: list[str]) -> None:
    if unknown := [name for name in names if name not in TOOLS]:
        raise CannotOpen(
            "unknown_tool",
            _("tools: %(unknown)s is none of: %(names)s.")
            % {"unknown": unknown[0], "names": ", ".join(TOOLS)},
        )


def _in_order(chosen: SessionSettings, kind: str) -> tuple[ProviderChoice, ...]:
    """The provider chosen for a stage, and those that step in for it."""
    first, others = getattr(chosen.providers, kind), getattr(chosen.fallbacks, kind)
    return tuple(_plain(choice) for choice in (first, *others))


def _effective(
    kind: Any, choice: protocol.ProviderChoice, have: Credentials
) -> protocol.ProviderChoice:
    try:
        full = resolve_choice(kind, _plain(choice), have)
    except KeyError:
        raise CannotOpen(
            "unknown_provider",
            _("providers.%(kind)s.name must be one of: %(names)s.")
            % {"kind": kind, "names": ", ".join(provider_names(kind, have))},
        ) from None
    return protocol.ProviderChoice(
        name=full.name, model=full.model, voice=full.voice, language=full.language
    )


def _plain(choice: protocol.ProviderChoice) -> ProviderChoice:
    return ProviderChoice(**choice.model_dump())
