"""From what somebody asks for to a session that can begin: its row, and what drives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from interaction import choosing
from interaction.core.signals import ConversationConfig
from interaction.edges import parley, protocol
from interaction.edges.protocol import SessionSettings, SessionStarted, StartSession
from interaction.engine import SessionSpec
from interaction.models import Session
from interaction.providers.base import ProviderChoice
from interaction.providers.table import TABLE

KINDS = ("stt", "llm", "tts")
KEPT = {
    "providers",
    "barge_in_enabled",
    "turn_detection",
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
    chosen = with_defaults(wanted)
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
    chosen = settings_of(session)
    return Opened(
        SessionSpec(
            session_id=session.pk,
            owner_id=session.owner_id,
            stt=_plain(chosen.providers.stt),
            llm=_plain(chosen.providers.llm),
            tts=_plain(chosen.providers.tts),
            recording=session.recording,
        ),
        ConversationConfig(
            system_prompt=session.system_prompt,
            barge_in=chosen.barge_in_enabled,
            turn_detection=parley.turn_detection(chosen.turn_detection),
        ),
        SessionStarted(
            session_id=session.pk,
            **chosen.model_dump(exclude={"title"}),
        ),
    )


def settings_of(session: Session) -> SessionSettings:
    return SessionSettings(
        mode="cascade",
        system_prompt=session.system_prompt,
        recording=session.recording,
        title=session.title,
        **session.settings,
    )


def with_defaults(wanted: SessionSettings) -> SessionSettings:
    """The same with every provider named. Raises ``CannotOpen`` for one that does not exist."""
    return wanted.model_copy(
        update={
            "providers": protocol.Providers(
                **{kind: _effective(kind, getattr(wanted.providers, kind)) for kind in KINDS}
            )
        }
    )


def _effective(kind: Any, choice: protocol.ProviderChoice) -> protocol.ProviderChoice:
    if choice.name and choice.name not in TABLE[kind]:
        raise CannotOpen(
            "unknown_provider",
            _("providers.%(kind)s.name must be one of: %(names)s.")
            % {"kind": kind, "names": ", ".join(TABLE[kind])},
        )
    full = choosing.effective(kind, _plain(choice))
    return protocol.ProviderChoice(
        name=full.name, model=full.model, voice=full.voice, language=full.language
    )


def _plain(choice: protocol.ProviderChoice) -> ProviderChoice:
    return ProviderChoice(**choice.model_dump())
