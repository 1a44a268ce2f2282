"""Writes a turn to the database and its audio to storage. It may be repeated for the same turn.

Where there is a record of the web side it counts, and the stages' notes fill what that does not
know; a turn whose web process died is written from the notes alone.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models.fields.files import FieldFile
from redis.asyncio.lock import Lock
from redis.exceptions import LockError

from interaction.audio import wav
from interaction.bus import redis_keys
from interaction.bus.audio_streams import read_recording
from interaction.bus.background import Background
from interaction.bus.redis_client import CONNECTION_ERRORS, Redis
from interaction.bus.stage_messages import StageRequest
from interaction.core.metrics import METRICS
from interaction.core.types import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE
from interaction.models import DiscardedFile, Session, Turn, TurnLatency
from interaction.turn_records.note_fields import TurnNotesContent, TurnOpening, fallback_of
from interaction.turn_records.tool_invocations import keep_invocations, without_nul
from interaction.turn_records.turn_notes import TurnNotes

logger = logging.getLogger(__name__)

DEADLINE = 120.0
"""Seconds for the whole run."""
IDLE_WITHIN = 45.0
"""Seconds that the stages of a turn whose client left are waited for."""
LOCK = 5.0
"""Seconds after which the lock of an archiver that died is free."""
STAGES = ("stt", "llm", "tts")
CLOCK_COLUMNS = (
    "opened_ms",
    "user_audio_started_ms",
    "speech_started_ms",
    "speech_ended_ms",
    "reply_started_ms",
    "reply_ended_ms",
)
"""Columns of the turn on the session's clock, named as in ``TurnRecord``."""


@dataclass
class Recording:
    """A turn's audio, mono s16le."""

    user: bytes
    """At ``INPUT_SAMPLE_RATE``."""
    agent: list[bytes]
    """Sentence by sentence, at ``OUTPUT_SAMPLE_RATE``."""
    keys: list[str]
    """Everything in Redis that is deleted when the turn is archived."""


async def archive_turn(redis: Redis, request: StageRequest) -> None:
    """Archive the request's turn, alone: a second archiver of the same turn waits."""
    name = redis_keys.archiving_lock(request.turn_id)
    lock = Lock(redis, name, timeout=LOCK, raise_on_release_error=False)
    background = Background("archive", log_facts=request.log_facts())
    async with lock:
        background.start_loop(
            "renew the lock",
            lambda: _renew(lock),
            on_error="continue",
            pause=0,
            # Where it was lost while Redis was away another may archive the turn, too: no harm.
            expected=(LockError, *CONNECTION_ERRORS),
        )
        try:
            await _archive(redis, request)
        finally:
            await background.stop()


async def _renew(lock: Lock) -> None:
    await asyncio.sleep(LOCK / 5)
    await lock.reacquire()


async def _archive(redis: Redis, request: StageRequest) -> None:
    notes, facts = TurnNotes(redis, request.turn_id), request.log_facts()
    # Its client may have left in the middle of it.
    await notes.wait_until_idle(IDLE_WITHIN)
    content = await notes.read()
    opening = content.opening
    if opening is None:
        logger.info("nothing to archive", extra=facts)
        await notes.delete([], archived=True)
        return
    if content.contends and content.record is None:
        logger.info("it never had the floor: turn dropped", extra=facts)
        await notes.delete([redis_keys.turn_audio(request.turn_id)], archived=False)
        return
    recording = await _read_audio(redis, request, content, opening)
    store = database_sync_to_async(_store, thread_sensitive=False)
    kept = await store(request.turn_id, content, opening, recording)
    if not kept:
        logger.info("its session is gone: turn dropped", extra=facts)
    await notes.delete(recording.keys, archived=kept)


async def _read_audio(
    redis: Redis, request: StageRequest, content: TurnNotesContent, opening: TurnOpening
) -> Recording:
    user_key = redis_keys.turn_audio(request.turn_id)
    keys = [user_key]
    user, whole = b"", True
    if opening.recording:
        user, whole = await read_recording(redis, user_key)
    sentences: list[bytes] = []
    for reply, count in content.sentence_counts().items():
        for sentence in range(count):
            key = redis_keys.sentence_audio(reply, sentence)
            keys.append(key)
            if reply == content.reply_id and opening.recording:
                pcm, complete = await read_recording(redis, key)
                sentences.append(pcm)
                whole = whole and complete
        keys += redis_keys.of_reply(reply)
    if not whole:
        logger.warning("its recording has gaps", extra=request.log_facts())
    return Recording(user, sentences, keys)


def _row(content: TurnNotesContent, opening: TurnOpening) -> dict[str, Any]:
    """The turn's columns, audio apart."""
    fallbacks = [content.fallbacks[stage] for stage in STAGES if stage in content.fallbacks]
    row: dict[str, Any] = {
        "session_id": opening.session,
        "sequence": opening.sequence,
        "kind": opening.kind,
        "mode": opening.mode,
        "started_at": opening.started,
        "transcript": content.transcript,
        "reply": content.reply_text,
        "cut": content.reply_cut or "",
        "error": content.error,
        "fallbacks": fallbacks,
        "end_reason": Turn.EndReason.ABANDONED,
    }
    if content.heard is not None:
        row |= {"heard_ms": content.heard["ms"], "heard_text": content.heard["text"]}
    if (record := content.record) is not None:
        row |= {
            "transcript": record.transcript or row["transcript"],
            "reply": row["reply"] if len(row["reply"]) > len(record.reply) else record.reply,
            "cut": record.cut or row["cut"],
            "heard_text": record.heard_text,
            "heard_ms": record.heard_ms,
            "interrupted": record.interrupted,
            "end_reason": record.end_reason,
            "underruns": record.underruns,
            **{column: getattr(record, column) for column in CLOCK_COLUMNS},
            "fallbacks": [fallback_of(switched) for switched in record.fallbacks],
        }
        if record.error is not None:
            row["error"] = {
                name: getattr(record.error, name)
                for name in ("stage", "provider", "code", "message", "retryable")
            }
        elif record.end_reason not in ("client_left", "session_ended"):
            row["error"] = None
    return row


def _latency(content: TurnNotesContent) -> dict[str, float | None]:
    known = content.record.latency if content.record else {}
    return {
        metric.column: content.metrics.get(metric.name)
        if known.get(metric.name) is None
        else known[metric.name]
        for metric in METRICS
    }


def _store(
    turn_id: UUID, content: TurnNotesContent, opening: TurnOpening, recording: Recording
) -> bool:
    """Upsert the rows and keep the audio; false where the session was deleted."""
    recorded = Session.objects.filter(pk=opening.session).values_list("recording", flat=True)
    if (consent := recorded.first()) is None:
        return False
    turn = Turn.objects.filter(pk=turn_id).first() or Turn(pk=turn_id)
    for name, value in _row(content, opening).items():
        setattr(turn, name, without_nul(value) if isinstance(value, str) else value)
    if recording.user and consent:
        turn.user_audio_ms = _keep_audio(turn, "user", recording.user, INPUT_SAMPLE_RATE)
    reply = b"".join(recording.agent)
    if reply and consent:
        turn.agent_audio_ms = _keep_audio(turn, "agent", reply, OUTPUT_SAMPLE_RATE)
        turn.sentence_starts = _sentence_starts(turn.reply, content, recording.agent)
    with transaction.atomic():
        # The session may have been deleted meanwhile, or its recording revoked: from here on
        # neither happens before this is committed.
        consent = recorded.select_for_update().first()
        if not consent:
            DiscardedFile.discard(turn.audio_names)
            turn.user_audio = turn.agent_audio = ""
        if consent is None:
            return False
        # The latency first, and without a signal of its own: who follows turns as they are saved
        # sees all of this one at once. Its foreign key is looked at when this is committed.
        columns = _latency(content)
        TurnLatency.objects.bulk_create(
            [TurnLatency(turn=turn, **columns)],
            update_conflicts=True,
            unique_fields=["turn"],
            update_fields=list(columns),
        )
        turn.save()
        keep_invocations(turn, content.tools)
    return True


def _sentence_starts(
    reply: str, content: TurnNotesContent, pieces: list[bytes]
) -> list[tuple[int, int]]:
    """Where each sentence that sounds begins, in the reply's characters and in ms of ``pieces``,
    which hold a sentence each. It ends with the first one that the reply does not have."""
    texts = content.sentences.get(content.reply_id, {}) if content.reply_id else {}
    starts: list[tuple[int, int]] = []
    end = passed = 0
    for number, pcm in enumerate(pieces):
        text = texts.get(number, "")
        if (start := reply.find(text, end)) < 0:
            break
        if text and pcm:
            starts.append((start, round(1000 * passed / 2 / OUTPUT_SAMPLE_RATE)))
        end, passed = start + len(text), passed + len(pcm)
    return starts


def _keep_audio(turn: Turn, side: str, pcm: bytes, rate: int) -> int:
    """Write one side's WAV, over what an earlier attempt left; return its length in ms."""
    field: FieldFile = getattr(turn, f"{side}_audio")
    name = f"{turn.pk}-{side}.wav"
    path = field.field.generate_filename(turn, name)
    if field.storage.exists(path):
        field.storage.delete(path)
    field.save(name, ContentFile(wav.wrap(pcm, rate)), save=False)
    return round(1000 * len(pcm) / 2 / rate)
