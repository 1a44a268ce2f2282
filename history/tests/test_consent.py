"""Consent to being recorded: kept with its time, and taken back with its recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from history.models import TurnPeaks
from interaction.models import Preferences, Session, Turn
from interaction.sessions import create
from interaction.sessions.settings import SessionSettings

Recorded = Callable[..., Session]
REST = "/api/v1/interaction"


@pytest.mark.parametrize("recording", [True, False])
def test_asking_for_a_recording_is_the_consent_and_is_kept_with_its_time(
    at_home: Client, owner: User, recording: bool
) -> None:
    before = timezone.now()
    wanted = {"recording": recording}
    made = at_home.post(f"{REST}/sessions", wanted, content_type="application/json").json()
    row = Session.objects.get()
    if recording:
        assert row.recording_agreed_at
        assert before <= row.recording_agreed_at <= timezone.now()
        assert made["recording_agreed_at"]
    else:
        assert row.recording_agreed_at is None
        assert made["recording_agreed_at"] is None
    assert made["recording_revoked_at"] is None


def test_the_answer_of_the_voice_page_is_kept_with_its_time(at_home: Client, owner: User) -> None:
    def answer(**choices: Any) -> Any:
        address = f"{REST}/preferences"
        return at_home.patch(address, choices, content_type="application/json").json()

    assert at_home.get(f"{REST}/preferences").json()["recording_agreed"] is False
    assert answer(recording_agreed=True)["recording_agreed"] is True
    first = Preferences.of(owner).recording_agreed_at
    assert first
    answer(recording_agreed=True, recording=True)
    answer(barge_in_enabled=False)
    assert Preferences.of(owner).recording_agreed_at == first
    assert answer(recording_agreed=False)["recording_agreed"] is False
    assert Preferences.of(owner).recording_agreed_at is None


class TestTakingItBack:
    def revoked(self, session: Session, committed: Any, act: Callable[[], Any]) -> None:
        folder = Path(default_storage.path(f"audio/{session.pk}"))
        assert folder.exists()
        with committed(execute=True):
            act()
        assert not folder.exists()
        session.refresh_from_db()
        assert not session.recording
        assert session.recording_revoked_at
        [turn] = session.turns.all()
        assert not turn.user_audio
        assert not turn.agent_audio
        assert turn.user_audio_ms == 20
        assert turn.reply
        assert turn.latency.e2e == 900

    def test_on_the_page(
        self, at_home: Client, recorded: Recorded, django_capture_on_commit_callbacks: Any
    ) -> None:
        session = recorded(turns=1)
        address = f"/history/{session.pk}/recording/"
        page = at_home.get(address).content.decode()
        assert "It was given on" in page
        self.revoked(session, django_capture_on_commit_callbacks, lambda: at_home.post(address))
        page = at_home.get(f"/history/{session.pk}/").content.decode()
        assert "the consent was taken back" in page
        assert "is lost" not in page
        assert "<audio" not in page

    def test_over_rest_and_as_often_as_you_like(
        self, at_home: Client, recorded: Recorded, django_capture_on_commit_callbacks: Any
    ) -> None:
        session = recorded(turns=1)
        address = f"{REST}/sessions/{session.pk}/recordings"
        self.revoked(session, django_capture_on_commit_callbacks, lambda: at_home.delete(address))
        first = session.recording_revoked_at
        answer = at_home.delete(address)
        assert answer.status_code == 200
        assert answer.json()["recording"] is False
        session.refresh_from_db()
        assert session.recording_revoked_at == first

    def test_other_sessions_keep_theirs(self, recorded: Recorded) -> None:
        session, other = recorded(turns=1), recorded(turns=1)
        session.revoke_recording()
        assert other.turns.get().user_audio
        assert Session.objects.get(pk=other.pk).recording

    def test_of_many_turns_it_takes_the_same_queries(
        self, recorded: Recorded, django_assert_max_num_queries: Any
    ) -> None:
        session = recorded(turns=8)
        TurnPeaks.objects.create(turn=session.turns.get(sequence=1), user=b"\x10")
        with django_assert_max_num_queries(24):
            session.revoke_recording()
        assert not Turn.objects.exclude(user_audio="").exists()
        assert not TurnPeaks.objects.exists()


def test_a_session_made_without_recording_has_no_consent_to_take_back(
    owner: User, at_home: Client
) -> None:
    made = create.create_session(owner, SessionSettings(recording=False), active=False)
    page = at_home.get(f"/history/{made.pk}/").content.decode()
    assert "Delete recordings" not in page
