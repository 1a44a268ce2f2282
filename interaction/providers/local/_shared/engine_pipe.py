"""The inner side of an engine process: its two pipes. ``engine_processes.py`` is the outer one.

Every message is four bytes of length, big-endian, then a msgpack array [number, word, body].
``number`` says which utterance or sentence it is about.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, NamedTuple

import msgpack

LENGTH = struct.Struct(">I")


class Message(NamedTuple):
    number: int
    word: str
    body: Any = None


def pack(message: Message) -> bytes:
    body: bytes = msgpack.packb(tuple(message))
    return LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> Message:
    return Message(*msgpack.unpackb(body))


class ParentPipe:
    """To the process that asks. When that ends, whatever the way, ``gone`` turns true and there are
    no more messages."""

    def __init__(self) -> None:
        # Ctrl-C reaches the whole terminal; the parent decides when to stop.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # What a library prints must not end up between the answers.
        self._out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._queue: SimpleQueue[Message | None] = SimpleQueue()
        self.gone = False
        threading.Thread(target=self._read, args=(sys.stdin.buffer,), daemon=True).start()

    def messages(self, *, wait: bool) -> Iterator[Message]:
        """Yield what has come; with ``wait``, at least one message unless the parent is gone."""
        while not self.gone:
            try:
                message = self._queue.get(block=wait)
            except Empty:
                return
            wait = False
            if message is None:
                self.gone = True
            else:
                yield message

    def send(self, number: int, word: str, body: Any = None) -> None:
        try:
            self._out.write(pack(Message(number, word, body)))
            self._out.flush()
        except BrokenPipeError:
            self.gone = True

    def _read(self, pipe: BinaryIO) -> None:
        while len(header := pipe.read(LENGTH.size)) == LENGTH.size:
            (length,) = LENGTH.unpack(header)
            body = pipe.read(length)
            if len(body) < length:
                break
            self._queue.put(unpack(body))
        self._queue.put(None)
