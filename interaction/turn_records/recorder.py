"""Keeps a realtime turn where a cascade's stages would: the archive does not know the difference.

Both sides' audio goes to Redis streams, words and figures to the turn's notes, in order and behind
the conversation, which waits for none of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from interaction.bus.audio_streams import Kind, StreamWriter, sentence_key, turn_key
from interaction.bus.redis_client import CONNECTION_ERRORS, get_redis
from interaction.core.engine import SessionSpec
from interaction.core.records import TurnRecord
from interaction.core.types import FRAME_SAMPLES
from interaction.safe_logging import log_crash
from interaction.turn_records.archive_queue import CLOSING_PATIENCE, ArchiveQueue
from interaction.turn_records.turn_notes import TurnNotes

logger = logging.getLogger(__name__)

PIECE = 2 * FRAME_SAMPLES * 2
"""Bytes of an entry of the person's audio, 64 ms."""
MOST_WAITING = 5_000
"""Entries that may wait for a silent Redis; then audio is left out of the recording."""

Work = Callable[[], Awaitable[None]]


class TurnRecorder:
    def __init__(self, spec: SessionSpec, handover: ArchiveQueue) -> None:
        self._spec = spec
        self._handover = handover
        self._work: asyncio.Queue[Work] = asyncio.Queue()
        self._ears: dict[UUID, StreamWriter] = {}
        self._pending: dict[UUID, bytes] = {}
        self._voices: dict[tuple[UUID, UUID, int], StreamWriter] = {}
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._redis = get_redis()
        self._worker = asyncio.create_task(self._do())

    def open(self, turn: UUID, sequence: int, kind: str, **facts: Any) -> None:
        self._handover.begin(turn, sequence, kind)
        notes, known = TurnNotes(self._redis, turn), self._handover.facts(turn)
        self._put(lambda: notes.open({**known, **facts}))

    def note(self, turn: UUID, **facts: Any) -> None:
        notes = TurnNotes(self._redis, turn)
        self._put(lambda: notes.write(**facts))

    def heard(self, turn: UUID, pcm: bytes, *, last: bool = False) -> None:
        """More of the person's audio, s16le at 16 kHz."""
        if not self._spec.recording:
            return
        pending = self._pending.pop(turn, b"") + pcm
        if len(pending) < PIECE and not last:
            self._pending[turn] = pending
            return
        if turn not in self._ears:
            session = self._spec.session_id
            self._ears[turn] = StreamWriter(self._redis, turn_key(turn), session, turn)
        self._append(self._ears[turn], pending)

    def said(self, turn: UUID, reply: UUID, sentence: int, pcm: bytes) -> None:
        """More of the reply's audio, s16le at 24 kHz."""
        if not self._spec.recording:
            return
        key = (turn, reply, sentence)
        if key not in self._voices:
            whose = (self._spec.session_id, turn, reply, sentence)
            self._voices[key] = StreamWriter(self._redis, sentence_key(reply, sentence), *whose)
        self._append(self._voices[key], pcm)

    def drop(self, turn: UUID) -> None:
        """The turn came to nothing."""
        self._handover.dropped(turn)
        self._let_go(turn)
        notes = TurnNotes(self._redis, turn)
        self._put(lambda: notes.forget([turn_key(turn)], archived=False))

    def close(self, record: TurnRecord) -> None:
        """Have it archived, once all that came before is written."""
        self._let_go(record.turn_id)

        async def hand_over() -> None:
            self._handover.put(record)

        self._put(hand_over)

    async def done(self) -> None:
        await self._work.join()

    def stop(self) -> None:
        if self._worker:
            self._worker.cancel()

    def _let_go(self, turn: UUID) -> None:
        """Nothing more of it is recorded."""
        self._pending.pop(turn, None)
        self._ears.pop(turn, None)
        for key in [key for key in self._voices if key[0] == turn]:
            del self._voices[key]

    def _append(self, writer: StreamWriter, pcm: bytes) -> None:
        if pcm and self._work.qsize() < MOST_WAITING:
            self._put(lambda: writer.append(Kind.AUDIO, pcm))

    def _put(self, work: Work) -> None:
        self._work.put_nowait(work)

    async def _do(self) -> None:
        while True:
            work = await self._work.get()
            try:
                async with asyncio.timeout(CLOSING_PATIENCE):
                    await work()
            except (*CONNECTION_ERRORS, TimeoutError) as error:
                facts = {"session": self._spec.session_id}
                logger.warning("not recorded: %s", type(error).__name__, extra=facts)
            except Exception as error:
                log_crash(logger, error, {"session": self._spec.session_id})
            finally:
                self._work.task_done()
