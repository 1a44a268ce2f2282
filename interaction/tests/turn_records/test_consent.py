"""What the archive keeps of a turn whose session lost its consent, or went, meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage

from interaction.models import DiscardedFile, Session, Turn
from interaction.turn_records import archive
from interaction.turn_records.archive import Recording
from interaction.turn_records.note_fields import TurnNotesContent, TurnOpening

AUDIO = Recording(user=bytes(640), agent=[bytes(480)], keys=[])


@pytest.fixture
def session(owner: User) -> Session:
    return Session.objects.create(owner=owner, status=Session.Status.ACTIVE)


def stored(session: Session) -> bool:
    opening = TurnOpening(session.pk, 1, "speech", "cascade", started_at=0.0, recording=True)
    content = TurnNotesContent(opening=opening, transcript="hello")
    return archive._store(uuid4(), content, opening, AUDIO)


def files_of(session: Session) -> list[Path]:
    return list(Path(default_storage.path(f"audio/{session.pk}")).glob("*"))


def test_with_consent_both_sides_are_kept(session: Session) -> None:
    assert stored(session)
    assert len(files_of(session)) == 2


def test_once_it_was_taken_back_no_audio_is_kept_of_a_running_session(session: Session) -> None:
    session.revoke_recording()
    assert stored(session)
    [turn] = Turn.objects.all()
    assert turn.transcript == "hello"
    assert not turn.user_audio
    assert turn.user_audio_ms is None
    assert files_of(session) == []


@pytest.mark.parametrize("act", [Session.revoke_recording, Session.delete])
def test_between_the_file_and_the_row_it_still_counts(
    session: Session,
    act: Callable[[Session], Any],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    keep = archive._keep_audio

    def meanwhile(turn: Turn, side: str, *more: Any) -> int:
        length = keep(turn, side, *more)
        if side == "agent":
            assert len(files_of(session)) == 2
            act(Session.objects.get(pk=session.pk))
        return length

    monkeypatch.setattr(archive, "_keep_audio", meanwhile)
    with django_capture_on_commit_callbacks(execute=True):
        assert stored(session) is (act is Session.revoke_recording)
    assert files_of(session) == []
    assert not DiscardedFile.objects.exists()
    assert not Turn.objects.exclude(user_audio="", agent_audio="").exists()
