"""A conversation with recordings that a test can tell apart: each side has a tone of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.utils import timezone

from interaction.audio import wav
from interaction.models import Session, Turn, TurnLatency

USER_HZ, AGENT_HZ = 440, 1_500
SPEECH_MS, REPLY_MS = 2_000, 3_000
PRE_ROLL_MS, WAIT_MS = 300, 1_000
TURN_MS = 8_000
"""From one turn's onset to the next one's; what is not filled is silence."""
SENTENCES = ("Take an umbrella.", "It will rain all day tomorrow.")


def tone(rate: int, hz: int, ms: int) -> np.ndarray[Any, Any]:
    return (20_000 * np.sin(2 * np.pi * hz * np.arange(rate * ms // 1000) / rate)).astype("<i2")


def recorded_conversation(owner: Any, turns: int = 2) -> Session:
    """Turn n is spoken from ``(n - 1) * TURN_MS + PRE_ROLL_MS`` on, answered ``WAIT_MS`` after it,
    and its last reply is cut off after its first half."""
    now = timezone.now()
    times = {"started_at": now - timedelta(seconds=8 * turns), "ended_at": now}
    session = Session.objects.create(
        owner=owner, title="Umbrellas", status=Session.Status.ENDED, **times
    )
    silence = {ms: np.zeros(16 * ms, "<i2") for ms in (PRE_ROLL_MS, 600)}
    spoken = tone(16_000, USER_HZ, SPEECH_MS)
    user = np.concatenate([silence[PRE_ROLL_MS], spoken, silence[600]])
    agent = tone(24_000, AGENT_HZ, REPLY_MS)
    for number in range(1, turns + 1):
        onset = (number - 1) * TURN_MS + PRE_ROLL_MS
        ended = onset + SPEECH_MS
        heard: dict[str, Any] = {"heard_ms": REPLY_MS, "heard_text": " ".join(SENTENCES)}
        if number == turns:
            heard = {"heard_ms": REPLY_MS // 2, "heard_text": SENTENCES[0], "interrupted": True}
        turn = Turn(
            session=session,
            sequence=number,
            transcript="what shall we do about the rain",
            reply=" ".join(SENTENCES),
            end_reason="interrupted" if number == turns else "played",
            started_at=now,
            opened_ms=onset + 96,
            user_audio_started_ms=onset - PRE_ROLL_MS,
            speech_started_ms=onset,
            speech_ended_ms=ended,
            user_audio_ms=len(user) // 16,
            reply_started_ms=ended + WAIT_MS,
            reply_ended_ms=ended + WAIT_MS + heard["heard_ms"],
            agent_audio_ms=REPLY_MS,
            sentence_starts=[[0, 0], [len(SENTENCES[0]) + 1, REPLY_MS // 2]],
            **heard,
        )
        for side, pcm, rate in (("user", user, 16_000), ("agent", agent, 24_000)):
            content = ContentFile(wav.wrap(pcm.tobytes(), rate))
            turn.audio(side).save(f"{turn.pk}-{side}.wav", content, save=False)
        turn.save()
        TurnLatency.objects.create(
            turn=turn,
            end_of_turn_delay=600,
            transcription_delay=700,
            llm_ttft=60,
            llm_ttfs=100,
            tts_ttfb=100,
            e2e=920,
            ear=WAIT_MS,
        )
    return session
