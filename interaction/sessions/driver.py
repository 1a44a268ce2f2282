"""Drives one conversation: brings it audio, commands, engine events and the time, and carries
out the effects that come back. Every edge and both modes use this one driver."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from interaction.audio.vad import FRAME_BYTES, SpeechDetector
from interaction.core.commands import (
    ClearAudio,
    Command,
    CommitTurn,
    CreateResponse,
    HangUp,
    InterruptReply,
)
from interaction.core.config import ConversationConfig
from interaction.core.engine import Engine
from interaction.core.news import Failure, News
from interaction.core.orders import CloseTurn, Effect, EngineOrder, WakeAt
from interaction.core.records import TurnRecord
from interaction.core.turn_machine import TurnMachine
from interaction.core.types import INPUT_SAMPLE_RATE, Frame, Message

MAX_PENDING_BYTES = 60 * INPUT_SAMPLE_RATE * 2
"""Audio that may wait to be looked at, a minute of it; beyond that the oldest is dropped."""

FRAMES_AT_ONCE = 4
"""Of a microphone one or two come at a time, and are told speech or not on the event loop: going
to a thread and back costs more than the 0.1 ms that each takes. Of a file there are many."""
_detecting = ThreadPoolExecutor(1, thread_name_prefix="vad")


@dataclass(frozen=True, slots=True)
class Summary:
    turns: int
    interrupted: int
    failed: int
    seconds: float


class ConversationDriver:
    """``tell`` gets the news for the client, in order, on the event loop; it must not block."""

    def __init__(
        self,
        config: ConversationConfig,
        engine: Engine,
        tell: Callable[[News], None],
        context: Callable[[], tuple[Message, ...]] | None = None,
    ) -> None:
        """``context``: as in ``TurnMachine``."""
        self._engine = engine
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._began_at = self._loop.time()
        self._conversation = TurnMachine(config, started_at=self._began_at, context=context)
        self._detector = SpeechDetector()
        self._inbox: deque[bytes | Command] = deque()
        self._pending_bytes = 0
        self._rest = b""
        self._arrived = asyncio.Event()
        self._all_heard = asyncio.Event()
        self._all_heard.set()
        self._ready = asyncio.Event()
        """The engine takes orders; until then, everything waits in the inbox."""
        self._follower: asyncio.Task[None] | None = None
        self._first_sequence = 1
        """Of the turns that the present engine has served."""
        self._over = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._records: dict[int, TurnRecord] = {}

    async def run(self) -> None:
        """Go on until ``end``; raises what a bug raised. Always leaves the engine closed."""
        if self._over.is_set():
            return
        try:
            async with asyncio.TaskGroup() as self._tasks:
                listening = self._tasks.create_task(self._listen())
                await self._open_engine()
                await self._over.wait()
                listening.cancel()
                if self._follower:
                    self._follower.cancel()
        finally:
            await self.end("client_left")

    async def _open_engine(self) -> None:
        engine = self._engine
        await engine.open()
        if self._over.is_set():  # ended meanwhile: that close came too early
            await engine.close()
            return
        self._follower = self._tasks.create_task(self._follow(engine))
        self._ready.set()

    def switch(self, make: Callable[[tuple[Message, ...]], Engine]) -> None:
        """Go on with another engine, made with all that was said so far, the turn at hand
        included; what comes meanwhile waits."""
        if self._over.is_set() or not self._ready.is_set():
            return
        self._carry_out(self._conversation.release_engine(self._loop.time()))
        self._ready.clear()
        if self._follower:
            self._follower.cancel()
        old, self._engine = self._engine, make(self.said())
        self._first_sequence = self._conversation.next_sequence
        self._tasks.create_task(old.close())
        self._tasks.create_task(self._open_engine())

    def hear(self, pcm: bytes) -> None:
        """Take the user's audio: mono s16le at 16 kHz, any even length. Never blocks."""
        if self._over.is_set():
            return
        self._inbox.append(pcm)
        self._pending_bytes += len(pcm)
        self._all_heard.clear()
        self._arrived.set()
        if self._pending_bytes > MAX_PENDING_BYTES:
            self._drop_oldest()

    async def heard(self) -> None:
        """Wait until everything given to ``hear`` has been passed on (for whole files)."""
        await self._all_heard.wait()
        await self._engine.wait_until_executed()

    def command(self, command: Command) -> None:
        """Take what the client asks for, in its order where the order counts."""
        if self._over.is_set():
            return
        if not self._ready.is_set() or self._waits(command):
            self._inbox.append(command)
            self._all_heard.clear()
            self._arrived.set()
        else:
            self._carry_out(self._conversation.on_command(command, self._loop.time()))

    def _waits(self, command: Command) -> bool:
        """Whether it must come after the audio, and the requests, that came before it."""
        if isinstance(command, InterruptReply):
            return any(isinstance(waiting, CreateResponse) for waiting in self._inbox)
        return isinstance(command, CommitTurn | ClearAudio | CreateResponse)

    def said(self) -> tuple[Message, ...]:
        """What was said so far, as far as the context reaches."""
        return self._conversation.messages()

    def reconfigure(self, config: ConversationConfig) -> None:
        self._conversation.reconfigure(config)

    async def end(self, reason: str) -> Summary:
        """Hang up and have everything archived. May be called again: it then only sums up."""
        if not self._over.is_set():
            self._carry_out(self._conversation.on_command(HangUp(reason), self._loop.time()))
            self._over.set()
            if self._timer:
                self._timer.cancel()
            await self._engine.close()
        records = self._records.values()
        return Summary(
            turns=len(records),
            interrupted=sum(r.interrupted for r in records),
            failed=sum(r.end_reason == "failed" for r in records),
            seconds=round(self._loop.time() - self._began_at, 1),
        )

    async def _listen(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._inbox:
                await self._ready.wait()
                await self._hear_frames(self._take_frames())
                if self._inbox and not isinstance(command := self._inbox[0], bytes):
                    self._inbox.popleft()
                    await self._obey(command)
            self._all_heard.set()

    def _take_frames(self) -> list[bytes]:
        """Everything that has come up to the next commit, cut into frames."""
        pieces = [self._rest]
        while self._inbox and isinstance(piece := self._inbox[0], bytes):
            pieces.append(piece)
            self._inbox.popleft()
        pcm = b"".join(pieces)
        self._pending_bytes -= len(pcm) - len(self._rest)
        whole = len(pcm) - len(pcm) % FRAME_BYTES
        self._rest = pcm[whole:]
        return [pcm[i : i + FRAME_BYTES] for i in range(0, whole, FRAME_BYTES)]

    async def _hear_frames(self, frames: list[bytes]) -> None:
        if not frames:
            return
        arrived_at = self._loop.time()
        if len(frames) <= FRAMES_AT_ONCE:
            chances = self._detect(frames)
        else:
            chances = await self._loop.run_in_executor(_detecting, self._detect, frames)
            await self._ready.wait()
        for pcm, chance in zip(frames, chances, strict=True):
            self._carry_out(self._conversation.on_frame(Frame(pcm, chance), arrived_at))

    def _detect(self, frames: list[bytes]) -> list[float]:
        return [self._detector.probability(pcm) for pcm in frames]

    async def _obey(self, command: Command) -> None:
        if self._rest and isinstance(command, CommitTurn):
            padded = self._rest.ljust(FRAME_BYTES, b"\0")
            self._rest = b""
            await self._hear_frames([padded])
        await self._ready.wait()
        self._carry_out(self._conversation.on_command(command, self._loop.time()))

    def _drop_oldest(self) -> None:
        while self._pending_bytes > MAX_PENDING_BYTES and isinstance(
            oldest := self._inbox[0], bytes
        ):
            self._pending_bytes -= len(oldest)
            self._inbox.popleft()
        self._tell(
            Failure(
                "audio_dropped",
                "Audio came faster than it could be taken in; some of it was dropped.",
                retryable=True,
            )
        )

    async def _follow(self, engine: Engine) -> None:
        async with contextlib.aclosing(engine.events()) as events:
            async for event in events:
                self._carry_out(self._conversation.on_event(event, self._loop.time()))

    def _wake(self) -> None:
        # In the task group, so that a bug here ends this session and is seen.
        self._timer = None
        self._tasks.create_task(self._tick())

    async def _tick(self) -> None:
        self._carry_out(self._conversation.on_tick(self._loop.time()))

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, EngineOrder):
                self._engine.execute(effect)
            elif isinstance(effect, CloseTurn):
                self._records[effect.record.sequence] = effect.record
                if effect.record.sequence >= self._first_sequence:
                    self._engine.archive_turn(effect.record)
            elif isinstance(effect, WakeAt):
                if self._timer:
                    self._timer.cancel()
                self._timer = self._loop.call_at(effect.at, self._wake)
            else:
                self._tell(effect)
