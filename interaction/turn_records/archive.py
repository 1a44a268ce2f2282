"""Writes a turn to the database and its audio to storage. Runs as often as it is asked to.

It trusts the web side's record where there is one, and fills what that does not know from the
notes of the stages; a turn whose web process died is written from the notes alone.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models.fields.files import FieldFile
from redis.asyncio.lock import Lock
from redis.exceptions import LockError

from interaction.audio import wav
from interaction.bus.audio_streams import read_recording, sentence_key, turn_key
from interaction.bus.stage_messages import load
from interaction.cascade.stage import StageRun
from interaction.core.events import ProviderSwitched
from interaction.core.records import METRICS, TurnRecord
from interaction.core.types import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE
from interaction.models import Session, Turn, TurnLatency
from interaction.turn_records.tool_invocations import keep_invocations, without_nul
from interaction.turn_records.turn_notes import notes_of_replies

logger = logging.getLogger(__name__)

DEADLINE = 120.0
SETTLE = 45.0
"""Seconds that the stages of a turn whose client left are waited for."""
LOCK = 5.0
"""Seconds after which a dead archiver's lock is free."""
KEPT_OF_A_REPLY = ("timeline", "commitment", "voice")
STAGES = ("stt", "llm", "tts")
CLOCK_COLUMNS = ("speech_started_ms", "speech_ended_ms", "reply_started_ms", "reply_ended_ms")
"""Columns of the turn on the session's clock, named as in ``TurnRecord``."""
COLUMNS = {metric: "yield_ms" if metric == "yield" else metric for metric in METRICS}


@dataclass
class Recording:
    user: bytes
    agent: bytes
    streams: list[str]
    """Everything that this turn has in Redis, to be deleted when it is archived."""


async def archive(run: StageRun) -> None:
    """Archive the ticket's turn, alone: a second archiver of the same turn waits."""
    name = f"parley:archiving:{run.ticket.turn_id}"
    lock = Lock(run.redis, name, timeout=LOCK, raise_on_release_error=False)
    async with lock:
        keeping = asyncio.create_task(_keep(lock))
        try:
            # Its client may have left in the middle of it.
            await run.notes.settled(SETTLE)
            notes = await run.notes.read()
            if "session" not in notes:
                logger.info("nothing to archive", extra=run.ticket.facts())
                await run.notes.forget([], archived=True)
                return
            recording = await _listen_back(run, notes)
            store = database_sync_to_async(_store, thread_sensitive=False)
            kept = await store(run.ticket.turn_id, notes, recording)
            if not kept:
                logger.info("its session is gone: turn dropped", extra=run.ticket.facts())
            await run.notes.forget(recording.streams, archived=kept)
        finally:
            keeping.cancel()


async def _keep(lock: Lock) -> None:
    while True:
        await asyncio.sleep(LOCK / 5)
        try:
            await lock.reacquire()
        except LockError:
            return


async def _listen_back(run: StageRun, notes: dict[str, Any]) -> Recording:
    turn = run.ticket.turn_id
    streams = [turn_key(turn)]
    user, whole = b"", True
    if notes.get("recording", True):
        user, whole = await read_recording(run.redis, turn_key(turn))
    spoken: list[bytes] = []
    for reply in notes_of_replies(notes):
        for sentence in range(reply.sentences):
            key = sentence_key(reply.id, sentence)
            streams.append(key)
            if reply.id == _reply(notes) and notes.get("recording", True):
                pcm, complete = await read_recording(run.redis, key)
                spoken.append(pcm)
                whole = whole and complete
        streams += [f"parley:reply:{reply.id}:{kept}" for kept in KEPT_OF_A_REPLY]
    if not whole:
        logger.warning("its recording has gaps", extra=run.ticket.facts())
    return Recording(user, b"".join(spoken), streams)


def _reply(notes: dict[str, Any]) -> UUID | None:
    """The reply that this turn got."""
    if (record := notes.get("record")) and record["reply_id"]:
        return UUID(record["reply_id"])
    return UUID(notes["reply"]) if notes.get("reply") else None


def _written(notes: dict[str, Any]) -> str:
    """The reply's text: the whole of it, or as far as it was written."""
    reply = _reply(notes)
    if (text := notes.get(f"text:{reply}")) is not None:
        return str(text)
    numbered = sorted(
        (int(name.rpartition(":")[2]), text)
        for name, text in notes.items()
        if name.startswith(f"sentence:{reply}:")
    )
    return " ".join(text for _, text in numbered)


def _row(notes: dict[str, Any]) -> dict[str, Any]:
    """The turn's columns, audio apart."""
    row: dict[str, Any] = {
        "session_id": UUID(notes["session"]),
        "sequence": notes["sequence"],
        "kind": notes["kind"],
        "mode": notes.get("mode", Session.Mode.CASCADE),
        "started_at": datetime.fromtimestamp(notes["started_at"], UTC),
        "transcript": notes.get("transcript", ""),
        "reply": _written(notes),
        "error": notes.get("error"),
        "fallbacks": [notes[name] for stage in STAGES if (name := f"fallback:{stage}") in notes],
        "end_reason": Turn.EndReason.ABANDONED,
    }
    if "record" in notes:
        record: TurnRecord = load(TurnRecord, notes["record"])
        error = record.error
        row |= {
            "transcript": record.transcript or row["transcript"],
            "reply": row["reply"] if len(row["reply"]) > len(record.reply) else record.reply,
            "heard_text": record.heard_text,
            "heard_ms": record.heard_ms,
            "interrupted": record.interrupted,
            "end_reason": record.end_reason,
            "underruns": record.underruns,
            **{column: getattr(record, column) for column in CLOCK_COLUMNS},
            "fallbacks": [_fallback(fell_back) for fell_back in record.fallbacks],
        }
        if error is not None:
            row["error"] = {
                name: getattr(error, name)
                for name in ("stage", "provider", "code", "message", "retryable")
            }
        elif record.end_reason != "client_left":
            row["error"] = None
    return row


def _fallback(fell_back: ProviderSwitched) -> dict[str, str]:
    return {name: getattr(fell_back, name) for name in ("stage", "failed", "code", "provider")}


def _latency(notes: dict[str, Any]) -> dict[str, float | None]:
    known = notes["record"]["latency"] if "record" in notes else {}
    return {
        column: notes.get(f"ms:{metric}") if known.get(metric) is None else known[metric]
        for metric, column in COLUMNS.items()
    }


def _store(turn_id: UUID, notes: dict[str, Any], recording: Recording) -> bool:
    """Upsert the rows and keep the audio; false where the session was deleted."""
    if not Session.objects.filter(pk=UUID(notes["session"])).exists():
        return False
    turn = Turn.objects.filter(pk=turn_id).first() or Turn(pk=turn_id)
    for name, value in _row(notes).items():
        setattr(turn, name, without_nul(value) if isinstance(value, str) else value)
    if recording.user:
        turn.user_audio_ms = _keep_audio(turn, "user", recording.user, INPUT_SAMPLE_RATE)
    if recording.agent:
        turn.agent_audio_ms = _keep_audio(turn, "agent", recording.agent, OUTPUT_SAMPLE_RATE)
    with transaction.atomic():
        if not Session.objects.filter(pk=turn.session_id).exists():
            _delete_audio(turn)
            return False
        turn.save()
        TurnLatency.objects.update_or_create(turn=turn, defaults=_latency(notes))
        keep_invocations(turn, notes)
    return True


def _keep_audio(turn: Turn, side: str, pcm: bytes, rate: int) -> int:
    """Write one side's WAV, over what an earlier attempt left; return its length in ms."""
    field: FieldFile = getattr(turn, f"{side}_audio")
    name = f"{turn.pk}-{side}.wav"
    path = field.field.generate_filename(turn, name)
    if field.storage.exists(path):
        field.storage.delete(path)
    field.save(name, ContentFile(wav.wrap(pcm, rate)), save=False)
    return round(1000 * len(pcm) / 2 / rate)


def _delete_audio(turn: Turn) -> None:
    for field in (turn.user_audio, turn.agent_audio):
        if field:
            field.delete(save=False)
