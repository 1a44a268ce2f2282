"""Audio on its way through Redis: one stream for the person's side of a turn, one for each
sentence of a reply.

An entry of a stream has one field: a header (session, turn, reply, sentence, number, kind, length)
and then PCM or, for a mark, JSON. Numbers count from 0 within a stream: a missing entry is noticed,
and an entry that was written twice, because Redis did not answer in time, is skipped.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple, cast
from uuid import UUID

from interaction.bus import redis_keys
from interaction.bus.redis_client import BLOCK_MS, CONNECTION_ERRORS, Redis, retry_while_down

MOST_ENTRIES = 32_768
"""Entries of one stream: a quarter of an hour in pieces of 64 ms takes less than half of them."""
PAGE = 500
"""Entries that are fetched at once from a stream that is read as a whole."""

_HEADER = struct.Struct(">16s16s16sHIBI")
_NIL = UUID(int=0)

Fields = dict[bytes, bytes]
Entries = list[tuple[bytes, Fields]]


class Kind(IntEnum):
    """What an entry is. The numbers are stored."""

    AUDIO = 0
    LAST = 1
    """Audio (it may be empty) after which nothing comes in this stream."""
    FLUSH = 2
    """Mark: transcribe as if final and prepare the reply that it names; more audio may follow."""
    END = 3
    """Mark: the turn is over."""


class AudioLost(Exception):
    """An entry is missing, belongs to another stream or is shorter than its header says."""


class StreamSilent(Exception):
    """A stream had no new entry for too long."""


class Entry(NamedTuple):
    session: UUID
    turn: UUID
    reply: UUID | None
    """None in the stream of the person's audio."""
    sentence: int
    """Index of the reply's sentence; 0 in the stream of the person's audio."""
    number: int
    """Index of the entry in its stream."""
    kind: Kind
    body: bytes
    """Mono s16le; JSON for a mark."""

    def mark(self) -> dict[str, Any]:
        """The fields of a ``FLUSH`` or ``END``."""
        return dict(json.loads(self.body))


def pack(entry: Entry) -> Fields:
    """An entry as Redis stores it."""
    session, turn, reply, sentence, number, kind, body = entry
    reply = reply or _NIL
    header = (session.bytes, turn.bytes, reply.bytes, sentence, number, kind, len(body))
    return {b"e": _HEADER.pack(*header) + body}


def unpack(fields: Fields) -> Entry:
    """The entry that ``pack`` stored; raises ``AudioLost`` where it is damaged."""
    raw = fields.get(b"e", b"")
    if len(raw) < _HEADER.size:
        raise AudioLost("an entry without a header")
    session, turn, reply, sentence, number, kind, length = _HEADER.unpack_from(raw)
    body = raw[_HEADER.size :]
    if len(body) != length:
        raise AudioLost(f"entry {number} has {len(body)} bytes of {length}")
    reply_id = UUID(bytes=reply)
    return Entry(
        UUID(bytes=session),
        UUID(bytes=turn),
        None if reply_id == _NIL else reply_id,
        sentence,
        number,
        Kind(kind),
        body,
    )


@dataclass
class StreamWriter:
    """Appends to one stream and numbers what it appends."""

    redis: Redis
    key: str
    session: UUID
    turn: UUID
    reply: UUID | None = None
    sentence: int = 0
    written: int = 0
    """Entries so far."""

    async def append(self, kind: Kind, body: bytes) -> None:
        """Raises what Redis raises where it has been away for ``RETRY_FOR`` seconds."""
        number, self.written = self.written, self.written + 1
        fields = pack(Entry(self.session, self.turn, self.reply, self.sentence, number, kind, body))

        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.xadd(self.key, fields, maxlen=MOST_ENTRIES, approximate=True)  # type: ignore[arg-type]
                pipe.expire(self.key, redis_keys.LIFETIME)
                await pipe.execute()

        await retry_while_down(attempt)

    async def append_mark(self, kind: Kind, fields: dict[str, Any]) -> None:
        """``kind``: ``FLUSH`` or ``END``. Raises as ``append``."""
        await self.append(kind, json.dumps(fields).encode())


async def read_new_entries(redis: Redis, places: dict[str, bytes]) -> list[tuple[str, Entries]]:
    """Wait for new entries of these streams. ``places``: key to the id of the last entry read.

    Returns the new ones by key; nothing where none came for ``BLOCK_MS``. Raises what Redis raises.
    """
    answer: Any = await redis.xread(places, count=100, block=BLOCK_MS)  # type: ignore[arg-type]
    return [(key.decode(), entries) for key, entries in answer]


class EntryOrder:
    """Checks that the entries of one stream come one after the other."""

    def __init__(self) -> None:
        self.next = 0

    def accepts(self, entry: Entry) -> bool:
        """False for a repeat; raises ``AudioLost`` where one is missing."""
        if entry.number > self.next:
            raise AudioLost(f"entry {self.next} is missing")
        if entry.number < self.next:
            return False
        self.next += 1
        return True


async def follow_entries(redis: Redis, key: str, silence: float) -> AsyncIterator[Entry]:
    """Yield a stream's entries as they come, without end.

    Raises ``StreamSilent`` when none comes for ``silence`` seconds, ``AudioLost`` where one is
    missing.
    """
    order, last_id = EntryOrder(), b"0"
    loop = asyncio.get_running_loop()
    last_at = loop.time()
    while True:
        try:
            answer = await read_new_entries(redis, {key: last_id})
        except CONNECTION_ERRORS:
            answer = []
            await asyncio.sleep(0.1)
        for _, entries in answer:
            last_id = entries[-1][0]
            for _, fields in entries:
                entry = unpack(fields)
                if order.accepts(entry):
                    yield entry
            last_at = loop.time()  # after the yields: the consumer may have been slow
        if loop.time() - last_at > silence:
            raise StreamSilent


async def read_recording(redis: Redis, key: str) -> tuple[bytes, bool]:
    """Return the PCM of a whole stream, and whether none of it is missing."""
    pieces: list[bytes] = []
    last_id, next_number, whole = "-", 0, True
    while page := cast("Entries", await redis.xrange(key, min=last_id, count=PAGE)):
        for entry_id, fields in page:
            last_id = f"({entry_id.decode()}"
            try:
                entry = unpack(fields)
            except AudioLost:
                whole = False
                continue
            if entry.number < next_number:
                continue
            whole = whole and entry.number == next_number
            next_number = entry.number + 1
            if entry.kind in (Kind.AUDIO, Kind.LAST):
                pieces.append(entry.body)
    return b"".join(pieces), whole
