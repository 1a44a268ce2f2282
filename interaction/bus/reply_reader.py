"""Follows the audio of all live replies of a web process, with one blocking read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from interaction.bus.audio_streams import (
    AudioLost,
    Entries,
    Entry,
    EntryOrder,
    Kind,
    read_new_entries,
    sentence_key,
    unpack,
)
from interaction.bus.redis_client import CONNECTION_ERRORS, get_redis

Deliver = Callable[[Entry | AudioLost], None]
WAKE_LIFETIME = 60


@dataclass
class _Followed:
    """A reply and the place in it that was reached: its sentences are read one after the other."""

    reply: UUID
    turn: UUID
    deliver: Deliver
    sentence: int = 0
    last_id: bytes = b"0"
    order: EntryOrder = field(default_factory=EntryOrder)

    @property
    def key(self) -> str:
        return sentence_key(self.reply, self.sentence)

    def take(self, entry: Entry) -> None:
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
        self._wake_key = f"parley:wake:{uuid4()}"
        self._wake_id = b"0"
        self._waking: set[asyncio.Task[None]] = set()

    def follow(self, reply: UUID, turn: UUID, deliver: Deliver) -> None:
        """Call ``deliver`` with each of the reply's pieces, in playing order, as it comes; with
        ``AudioLost``, once, where one is missing."""
        if reply not in self._followed:
            self._followed[reply] = _Followed(reply, turn, deliver)
            task = asyncio.create_task(self._wake())
            self._waking.add(task)
            task.add_done_callback(self._waking.discard)

    def forget(self, reply: UUID) -> None:
        self._followed.pop(reply, None)

    async def run(self) -> None:
        """Read, for ever."""
        while True:
            try:
                await self._read()
            except CONNECTION_ERRORS:
                await asyncio.sleep(0.2)

    async def _read(self) -> None:
        by_key = {followed.key: followed for followed in self._followed.values()}
        places = {key: followed.last_id for key, followed in by_key.items()}
        places[self._wake_key] = self._wake_id
        for key, entries in await read_new_entries(get_redis(), places):
            followed = by_key.get(key)
            if followed is None:
                self._wake_id = entries[-1][0]
            elif self._followed.get(followed.reply) is followed:
                self._take(followed, entries)

    def _take(self, followed: _Followed, entries: Entries) -> None:
        sentence = followed.sentence
        try:
            for entry_id, fields in entries:
                followed.last_id = entry_id
                followed.take(unpack(fields))
                if followed.sentence != sentence:
                    return
        except AudioLost as lost:
            self.forget(followed.reply)
            followed.deliver(lost)

    async def _wake(self) -> None:
        """Have the read that now waits begin again; it does so by itself before long."""
        with contextlib.suppress(*CONNECTION_ERRORS):
            async with get_redis().pipeline(transaction=False) as pipe:
                pipe.xadd(self._wake_key, {"w": 1}, maxlen=1)
                pipe.expire(self._wake_key, WAKE_LIFETIME)
                await pipe.execute()
