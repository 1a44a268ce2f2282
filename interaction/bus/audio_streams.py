"""Audio on its way through Redis: a stream for what a turn's user said, one a reply's sentence.

An entry is one field: a header that says whose it is, which one it is and how long it must be,
then the PCM (or, on a mark, JSON). Numbers count from 0 within a stream, so a loss is seen and an
entry that was written twice, because Redis did not answer in time, does no harm.
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

from interaction.bus.redis_client import BLOCK_MS, CONNECTION_ERRORS, Redis, retry_while_down

LIFETIME = 3600
"""Seconds that a stream lives after its last entry."""
MOST_ENTRIES = 32_768
"""Of one stream: a quarter of an hour in pieces of two frames, with room to spare."""
PAGE = 500

_HEADER = struct.Struct(">16s16s16sHIBI")
_NIL = UUID(int=0)

Fields = dict[bytes, bytes]
Entries = list[tuple[bytes, Fields]]


class Kind(IntEnum):
    AUDIO = 0
    LAST = 1
    """Audio (it may be empty) after which nothing comes."""
    FLUSH = 2
    """Mark: transcribe as if final, prepare the reply that it names; more may follow."""
    END = 3
    """Mark: the turn is over."""


class AudioLost(Exception):
    """An entry is missing, is another's or is shorter than it says."""


class StreamSilent(Exception):
    """A stream had no new entry for too long."""


class Entry(NamedTuple):
    session: UUID
    turn: UUID
    reply: UUID | None
    sentence: int
    number: int
    kind: Kind
    body: bytes

    def mark(self) -> dict[str, Any]:
        """What a ``FLUSH`` or ``END`` carries."""
        return dict(json.loads(self.body))


def pack(entry: Entry) -> Fields:
    session, turn, reply, sentence, number, kind, body = entry
    reply = reply or _NIL
    header = (session.bytes, turn.bytes, reply.bytes, sentence, number, kind, len(body))
    return {b"e": _HEADER.pack(*header) + body}


def unpack(fields: Fields) -> Entry:
    """Raises ``AudioLost`` for a damaged entry."""
    raw = fields.get(b"e", b"")
    if len(raw) < _HEADER.size:
        raise AudioLost("an entry without a header")
    session, turn, reply, sentence, number, kind, length = _HEADER.unpack_from(raw)
    body = raw[_HEADER.size :]
    if len(body) != length:
        raise AudioLost(f"entry {number} has {len(body)} bytes of {length}")
    whose = UUID(bytes=reply)
    return Entry(
        UUID(bytes=session),
        UUID(bytes=turn),
        None if whose == _NIL else whose,
        sentence,
        number,
        Kind(kind),
        body,
    )


def turn_key(turn: UUID) -> str:
    return f"parley:audio:{turn}"


def sentence_key(reply: UUID, sentence: int) -> str:
    """Sentences are synthesised at the same time and played in order: each has its own stream."""
    return f"parley:audio:{reply}:{sentence}"


@dataclass
class StreamWriter:
    """Appends to one stream, numbering what it appends."""

    redis: Redis
    key: str
    session: UUID
    turn: UUID
    reply: UUID | None = None
    sentence: int = 0
    written: int = 0

    async def append(self, kind: Kind, body: bytes) -> None:
        """Raises what Redis raises once patience is over."""
        number, self.written = self.written, self.written + 1
        fields = pack(Entry(self.session, self.turn, self.reply, self.sentence, number, kind, body))

        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.xadd(self.key, fields, maxlen=MOST_ENTRIES, approximate=True)  # type: ignore[arg-type]
                pipe.expire(self.key, LIFETIME)
                await pipe.execute()

        await retry_while_down(attempt)

    async def mark(self, kind: Kind, facts: dict[str, Any]) -> None:
        await self.append(kind, json.dumps(facts).encode())


async def read_new_entries(redis: Redis, places: dict[str, bytes]) -> list[tuple[str, Entries]]:
    """Wait for new entries of these streams, each from its place (an entry id) on.

    Returns nothing where none came for a while. Raises what Redis raises.
    """
    answer: Any = await redis.xread(places, count=100, block=BLOCK_MS)  # type: ignore[arg-type]
    return [(key.decode(), entries) for key, entries in answer]


class EntryOrder:
    """Checks that entries come one after the other."""

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

    Raises ``Silent`` when none comes for ``silence`` seconds, ``AudioLost`` where one is missing.
    """
    order, last_id = EntryOrder(), b"0"
    loop = asyncio.get_running_loop()
    heard_at = loop.time()
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
            heard_at = loop.time()  # again: whoever reads may have taken their time
        if loop.time() - heard_at > silence:
            raise StreamSilent


async def read_recording(redis: Redis, key: str) -> tuple[bytes, bool]:
    """Return the PCM of a whole stream, and whether none of it is missing."""
    pieces: list[bytes] = []
    last_id, following, whole = "-", 0, True
    while page := cast("Entries", await redis.xrange(key, min=last_id, count=PAGE)):
        for entry_id, fields in page:
            last_id = f"({entry_id.decode()}"
            try:
                entry = unpack(fields)
            except AudioLost:
                whole = False
                continue
            if entry.number < following:
                continue
            whole = whole and entry.number == following
            following = entry.number + 1
            if entry.kind in (Kind.AUDIO, Kind.LAST):
                pieces.append(entry.body)
    return b"".join(pieces), whole
