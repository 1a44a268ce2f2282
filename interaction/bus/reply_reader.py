"""Reads the audio of all live replies of a web process, with one blocking read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from interaction.bus import redis_keys
from interaction.bus.audio_streams import (
    AudioLost,
    Entries,
    Entry,
    EntryOrder,
    Kind,
    read_new_entries,
    unpack,
)
from interaction.bus.background import Background
from interaction.bus.redis_client import CONNECTION_ERRORS, get_redis

Deliver = Callable[[Entry | AudioLost], None]


@dataclass
class _Followed:
    """A reply, and how far it was read: its sentences are read one after the other."""

    reply: UUID
    turn: UUID
    deliver: Deliver
    sentence: int = 0
    last_id: bytes = b"0"
    """Id of the last entry of this sentence's stream."""
    order: EntryOrder = field(default_factory=EntryOrder)

    @property
    def key(self) -> str:
        return redis_keys.sentence_audio(self.reply, self.sentence)

    def on_entry(self, entry: Entry) -> None:
        if (entry.turn, entry.reply, entry.sentence) != (self.turn, self.reply, self.sentence):
            raise AudioLost("an entry of another reply")
        if not self.order.accepts(entry):
            return
        if entry.kind is Kind.LAST:
            self.sentence += 1
            self.last_id = b"0"
            self.order = EntryOrder()
        self.deliver(entry)


class ReplyReader:
    def __init__(self) -> None:
        self._followed: dict[UUID, _Followed] = {}
        self._wake_key = redis_keys.reader_wake(uuid4())
        self._wake_id = b"0"
        self._background: Background | None = None

    def start(self, background: Background) -> None:
        """Read from now on, as a loop of ``background``; may be called again after its stop."""
        self._background = background
        background.start_loop(
            "read replies", self._read, on_error="continue", pause=0.2, expected=CONNECTION_ERRORS
        )

    def follow(self, reply: UUID, turn: UUID, deliver: Deliver) -> None:
        """Call ``deliver`` with each of the reply's pieces, in playing order, as it comes; with
        ``AudioLost``, once, where one is missing."""
        if reply in self._followed:
            return
        self._followed[reply] = _Followed(reply, turn, deliver)
        if self._background:
            self._background.start_job(self._wake(), name="wake the reader")

    def unfollow(self, reply: UUID) -> None:
        self._followed.pop(reply, None)

    async def _read(self) -> None:
        by_key = {followed.key: followed for followed in self._followed.values()}
        places = {key: followed.last_id for key, followed in by_key.items()}
        places[self._wake_key] = self._wake_id
        for key, entries in await read_new_entries(get_redis(), places):
            followed = by_key.get(key)
            if followed is None:
                self._wake_id = entries[-1][0]
            elif self._followed.get(followed.reply) is followed:
                self._on_entries(followed, entries)

    def _on_entries(self, followed: _Followed, entries: Entries) -> None:
        sentence = followed.sentence
        try:
            for entry_id, fields in entries:
                followed.last_id = entry_id
                followed.on_entry(unpack(fields))
                if followed.sentence != sentence:
                    return
        except AudioLost as lost:
            self.unfollow(followed.reply)
            followed.deliver(lost)

    async def _wake(self) -> None:
        """Have the read that waits now start again with all replies; it does so by itself, too,
        but only after ``BLOCK_MS``."""
        with contextlib.suppress(*CONNECTION_ERRORS):
            async with get_redis().pipeline(transaction=False) as pipe:
                pipe.xadd(self._wake_key, {"w": 1}, maxlen=1)
                pipe.expire(self._wake_key, redis_keys.WAKE_LIFETIME)
                await pipe.execute()
