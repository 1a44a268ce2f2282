"""An archive of random conversations, as real ones come out: figures missing, providers that step
in, interruptions, errors. The same for the same ``Random``."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from history import summaries
from interaction.core.metrics import METRICS
from interaction.models import Session, Turn, TurnLatency

BEGINS = datetime(2026, 3, 1, tzinfo=UTC)
ERROR = {
    "stage": "llm",
    "provider": "demo",
    "code": "provider_timeout",
    "message": "It took too long.",
    "retryable": True,
}
STT = [{"name": "openai", "model": "gpt-transcribe"}, {"name": "pocketsphinx", "model": ""}]
LLM = [{"name": "openai", "model": "small"}, {"name": "openai", "model": "big"}, {"name": "demo"}]
TTS = [{"name": "espeak"}, {"name": "elevenlabs", "model": "flash"}]


def random_settings(random: Random) -> dict[str, Any]:
    return {
        "providers": {
            "stt": random.choice(STT),
            "llm": random.choice(LLM),
            "tts": random.choice(TTS),
            "realtime": {"name": random.choice(["parley", "gemini"]), "model": "live"},
        },
        "fallbacks": {"llm": [{"name": "anthropic", "model": "haiku"}], "stt": [], "tts": []},
    }


def add_sessions(owner: Any, random: Random, count: int, *, turns: int = 6) -> list[Session]:
    """Write so many sessions of up to ``turns`` turns in bulk, and sum them up."""
    sessions = [
        Session(
            owner=owner,
            mode=random.choice(["cascade", "cascade", "realtime"]),
            status="ended",
            settings=random_settings(random),
        )
        for _ in range(count)
    ]
    Session.objects.bulk_create(sessions)
    for session in sessions:
        session.created_at = BEGINS + timedelta(minutes=random.randrange(200 * 24 * 60))
    Session.objects.bulk_update(sessions, ["created_at"])
    rows = [
        random_turn(session, number, random)
        for session in sessions
        for number in range(1, random.randint(0, turns) + 1)
    ]
    Turn.objects.bulk_create(rows)
    TurnLatency.objects.bulk_create(
        latency for turn in rows if (latency := random_latency(turn, random))
    )
    summaries.refresh([session.pk for session in sessions])
    return sessions


def random_turn(session: Session, sequence: int, random: Random) -> Turn:
    fallback = {
        "stage": random.choice(["stt", "llm", "tts"]),
        "failed": "openai",
        "code": "provider_timeout",
        "provider": random.choice(["demo", "anthropic"]),
    }
    return Turn(
        id=uuid.UUID(int=random.getrandbits(128), version=4),
        session=session,
        sequence=sequence,
        mode=session.mode if random.random() < 0.9 else "cascade",
        kind=random.choice(["speech", "speech", "text"]),
        transcript="what is the weather like",
        reply="It is sunny.",
        interrupted=random.random() < 0.2,
        end_reason="played",
        error=ERROR if random.random() < 0.1 else None,
        fallbacks=[fallback] if random.random() < 0.15 else [],
        started_at=session.created_at + timedelta(seconds=20 * sequence),
    )


def random_latency(turn: Turn, random: Random) -> TurnLatency | None:
    if random.random() < 0.05:
        return None
    columns: dict[str, Any] = {metric.column: _ms(random) for metric in METRICS}
    return TurnLatency(turn=turn, **columns)


def _ms(random: Random) -> float | None:
    chance = random.random()
    if chance < 0.3:
        return None
    if chance < 0.4:
        return float(random.choice([0, 250, 250, 1000]))  # ties
    if chance < 0.45:
        return random.uniform(8000, 90_000)
    return random.lognormvariate(6, 0.8)
