"""Writes what a turn leaves in Redis until it is archived: both sides' audio, and its notes.

``TurnRecording`` writes at once and is awaited; ``TurnRecorder`` writes behind the conversation,
for an engine that must not wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Literal
from uuid import UUID

from interaction.bus import redis_keys
from interaction.bus.audio_streams import Kind, StreamWriter
from interaction.bus.background import Background
from interaction.bus.redis_client import CONNECTION_ERRORS, Redis, get_redis
from interaction.core.engine import SessionSpec
from interaction.core.records import TurnRecord
from interaction.core.types import FRAME_SAMPLES
from interaction.turn_records.archive_queue import CLOSING_PATIENCE, ArchiveQueue
from interaction.turn_records.note_fields import Note
from interaction.turn_records.turn_notes import TurnNotes

logger = logging.getLogger(__name__)

PIECE = 2 * FRAME_SAMPLES * 2
"""Bytes of an entry of the person's audio, 64 ms: half the load of one entry a frame."""
LARGEST_PIECE = 32_768
"""Bytes of an entry where a lot of audio comes at once, as from an upload."""
MOST_WAITING = 5_000
"""Writes that may wait for a silent Redis; beyond them audio is left out of the recording."""

Write = Callable[[], Awaitable[Any]]


class TurnRecording:
    """One turn in Redis. Its methods raise what Redis raises."""

    def __init__(self, redis: Redis, session: UUID, turn: UUID) -> None:
        self.notes = TurnNotes(redis, turn)
        self._redis = redis
        self._session = session
        self._turn = turn
        self._user = StreamWriter(redis, redis_keys.turn_audio(turn), session, turn)
        self._pending = b""
        """The person's audio that is too short yet to be written."""
        self._sentences: dict[tuple[UUID, int], StreamWriter] = {}

    async def feed_user_audio(self, pcm: bytes, *, flush: bool = False) -> None:
        """More of the person's audio, mono s16le at 16 kHz. Less than ``PIECE`` waits for more,
        unless ``flush``."""
        for piece in self.cut_user_audio(pcm, flush=flush):
            await self.append_user_audio(piece)

    def cut_user_audio(self, pcm: bytes, *, flush: bool = False) -> Iterator[bytes]:
        """The same without writing: yields what is due, to be given to ``append_user_audio``."""
        self._pending += pcm
        least = 1 if flush else PIECE
        while len(self._pending) >= least:
            piece, self._pending = self._pending[:LARGEST_PIECE], self._pending[LARGEST_PIECE:]
            yield piece

    async def append_user_audio(self, piece: bytes) -> None:
        """Write a piece of the person's audio as one entry."""
        await self._user.append(Kind.AUDIO, piece)

    async def mark(self, kind: Kind, fields: dict[str, Any]) -> None:
        """``kind``: ``FLUSH`` or ``END``, at this point of the person's audio."""
        await self.feed_user_audio(b"", flush=True)
        await self._user.append_mark(kind, fields)

    async def feed_reply_audio(self, reply: UUID, sentence: int, pcm: bytes) -> None:
        """More of a reply's audio, mono s16le at 24 kHz."""
        key = (reply, sentence)
        if key not in self._sentences:
            stream = redis_keys.sentence_audio(*key)
            self._sentences[key] = StreamWriter(
                self._redis, stream, self._session, self._turn, reply, sentence
            )
        await self._sentences[key].append(Kind.AUDIO, pcm)

    async def drop(self) -> None:
        """The turn came to nothing: delete what there is of it."""
        await self.notes.delete([redis_keys.turn_audio(self._turn)], archived=False)


class TurnRecorder:
    """Records the turns of a session, in order and behind the conversation, which waits for none
    of it. Of a turn that is not open (any more) nothing is recorded."""

    def __init__(self, spec: SessionSpec, archive_queue: ArchiveQueue) -> None:
        self._spec = spec
        self._archive_queue = archive_queue
        self._turns: dict[UUID, TurnRecording] = {}
        self._writes: asyncio.Queue[Write] = asyncio.Queue()
        self._background = Background("recorder", log_facts={"session": spec.session_id})

    def start(self) -> None:
        self._redis = get_redis()
        self._background.start_loop("write", self._write_next, on_error="continue", pause=0)

    def open_turn(
        self, turn: UUID, sequence: int, kind: Literal["speech", "text"], *notes: Note
    ) -> None:
        self._archive_queue.open_turn(turn, sequence, kind)
        opening = self._archive_queue.opening(turn)
        recording = TurnRecording(self._redis, self._spec.session_id, turn)
        self._turns[turn] = recording
        self._enqueue(lambda: recording.notes.open(opening, *notes))

    def note(self, turn: UUID, *notes: Note) -> None:
        """Late ones count, too: the archive may still have to write the turn, or will again."""
        if turn in self._archive_queue:
            turn_notes = TurnNotes(self._redis, turn)
            self._enqueue(lambda: turn_notes.write(*notes))

    def feed_user_audio(self, turn: UUID, pcm: bytes, *, last: bool = False) -> None:
        """More of the person's audio, mono s16le at 16 kHz; ``last``: no more comes for now."""
        if recording := self._recording_of(turn):
            # Cut here: a write for each frame would wake the loop twice as often.
            for piece in recording.cut_user_audio(pcm, flush=last):
                self._enqueue(partial(recording.append_user_audio, piece))

    def feed_reply_audio(self, turn: UUID, reply: UUID, sentence: int, pcm: bytes) -> None:
        """More of the reply's audio, mono s16le at 24 kHz."""
        recording = self._recording_of(turn)
        if recording and pcm:
            self._enqueue(lambda: recording.feed_reply_audio(reply, sentence, pcm))

    def drop_turn(self, turn: UUID) -> None:
        """It came to nothing."""
        recording = self._turns.pop(turn, None)
        if recording is None:
            return
        self._archive_queue.drop_turn(turn)

        async def drop() -> None:
            try:
                await recording.drop()
            finally:
                self._archive_queue.close_turn(turn)

        self._enqueue(drop)

    def archive(self, record: TurnRecord) -> None:
        """Have it archived, once all that came before is written."""
        self._turns.pop(record.turn_id, None)

        async def hand_over() -> None:
            self._archive_queue.enqueue(record)

        self._enqueue(hand_over)

    async def wait_until_written(self) -> None:
        await self._writes.join()

    async def stop(self) -> None:
        await self._background.stop()

    def _recording_of(self, turn: UUID) -> TurnRecording | None:
        """Where its audio goes; None where it is not recorded."""
        if not self._spec.recording or self._writes.qsize() >= MOST_WAITING:
            return None
        return self._turns.get(turn)

    def _enqueue(self, write: Write) -> None:
        self._writes.put_nowait(write)

    async def _write_next(self) -> None:
        write = await self._writes.get()
        try:
            async with asyncio.timeout(CLOSING_PATIENCE):
                await write()
        except (*CONNECTION_ERRORS, TimeoutError) as error:
            facts = {"session": self._spec.session_id}
            logger.warning("not recorded: %s", type(error).__name__, extra=facts)
        finally:
            self._writes.task_done()
