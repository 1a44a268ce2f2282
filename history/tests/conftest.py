from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone

from history.marks import mark
from history.models import TurnAnnotation
from interaction.audio import wav
from interaction.models import Session, Task, ToolInvocation, Turn, TurnLatency
from interaction.sessions import create
from interaction.sessions.settings import SessionSettings


@pytest.fixture
def talked(owner: User) -> Callable[..., Session]:
    """``talked(turns=2, **fields)``: a conversation of 65 s that ended."""

    def talk(*, turns: int = 1, **fields: Any) -> Session:
        now = timezone.now()
        session = Session.objects.create(
            owner=owner,
            status=Session.Status.ENDED,
            started_at=now - timedelta(seconds=65),
            ended_at=now,
            **fields,
        )
        for sequence in range(1, turns + 1):
            add_turn(session, sequence=sequence)
        return session

    return talk


def add_turn(session: Session, **fields: Any) -> Turn:
    """A turn that was played to its end, unless ``fields`` says otherwise."""
    known: dict[str, Any] = {
        "id": uuid.uuid4(),
        "sequence": 1,
        "transcript": "my name is john",
        "reply": "Hello John. Nice to meet you.",
        "heard_text": "Hello John. Nice to meet you.",
        "end_reason": Turn.EndReason.PLAYED,
        "started_at": timezone.now(),
    }
    turn = Turn.objects.create(session=session, **known | fields)
    TurnLatency.objects.create(turn=turn, end_of_turn_delay=600, e2e=900, ear=950)
    return turn


@pytest.fixture
def recorded(owner: User) -> Callable[..., Session]:
    """``recorded(turns=2, **fields)``: an ended conversation with recordings of 20 and 10 ms a
    turn, and with everything that a turn can have."""

    def record(
        *, turns: int = 2, by: User = owner, starred: bool = False, **fields: Any
    ) -> Session:
        now = timezone.now()
        made = create.create_session(by, SessionSettings(title="=Weather"), active=False)
        ended = {"status": Session.Status.ENDED, "end_reason": "client_ended"}
        times = {"started_at": now - timedelta(seconds=65), "ended_at": now}
        Session.objects.filter(pk=made.pk).update(**ended | times | fields)
        for sequence in range(1, turns + 1):
            keep_audio(add_turn(made, sequence=sequence, **EVENTFUL))
        mark(made, starred=starred, tags=["work", "天氣"])
        return Session.objects.get(pk=made.pk)

    return record


EVENTFUL: dict[str, Any] = {
    "transcript": "+what is *the* weather\n# like <b>?",
    "reply": "It is sunny. 會下雨。",
    "heard_text": "It is sunny.",
    "heard_ms": 900,
    "interrupted": True,
    "end_reason": Turn.EndReason.INTERRUPTED,
    "cut": Turn.Cut.LENGTH,
    "fallbacks": [
        {"stage": "llm", "failed": "openai", "code": "provider_timeout", "provider": "echo"}
    ],
    "error": {
        "stage": "tts",
        "provider": "espeak",
        "code": "provider_timeout",
        "message": "It took too long.",
        "retryable": True,
    },
    "underruns": 2,
    "speech_started_ms": 1200,
    "speech_ended_ms": 2400,
    "reply_started_ms": 3100,
    "opened_ms": 900,
    "user_audio_started_ms": 910,
    "sentence_starts": [[0, 0], [13, 5]],
}


def keep_audio(turn: Turn) -> Turn:
    """Give a turn recordings of both sides, and a tool that it ran."""
    for side, rate, ms in (("user", 16_000, 20), ("agent", 24_000, 10)):
        pcm = bytes(index % 251 for index in range(2 * rate * ms // 1000))
        turn.audio(side).save(f"{turn.pk}-{side}.wav", ContentFile(wav.wrap(pcm, rate)), save=False)
        setattr(turn, f"{side}_audio_ms", ms)
    turn.save()
    TurnAnnotation.write(turn, note="Well said.", rating="up")
    ToolInvocation.objects.create(
        task=Task.objects.create(turn=turn),
        sequence=0,
        tool="current_time",
        arguments="{}",
        status=ToolInvocation.Status.SUCCEEDED,
        result='{"time": "10:30"}',
        ms=1.5,
    )
    return turn
