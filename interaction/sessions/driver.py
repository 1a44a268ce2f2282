"""Drives one conversation: brings the turn machine audio, commands, engine events and the time,
and carries out the effects that it answers with. Every edge and both modes use this one driver."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from interaction.audio.level import level_dbfs
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
from interaction.core.events import Event
from interaction.core.news import Failure, News
from interaction.core.orders import CloseTurn, Effect, EngineOrder, WakeAt
from interaction.core.records import TurnRecord
from interaction.core.turn_machine import TurnMachine
from interaction.core.types import INPUT_SAMPLE_RATE, Frame, Message
from interaction.sessions.analysers import Analyser, OffLoopAnalyser
from interaction.sessions.totals import Summary, TurnTotals

MAX_PENDING_BYTES = 60 * INPUT_SAMPLE_RATE * 2
"""Audio that may wait to be analysed, a minute of it; beyond that the oldest is dropped."""

FRAMES_ON_LOOP = 4
"""Frames whose speech probability is computed on the event loop. From a microphone one or two
come at a time: going to a thread and back costs more than the 0.1 ms that each takes. From a file
come many."""
_vad_thread = ThreadPoolExecutor(1, thread_name_prefix="vad")

Step = Callable[[], Iterable[Effect]]


class ConversationDriver:
    """Runs a turn machine and an engine together, on one event loop.

    ``on_news`` gets the news for the client, in order; it must not block. It may call ``submit``,
    ``switch_engine`` and ``after_effects``: what these do comes after the effects in hand.
    """

    def __init__(
        self,
        config: ConversationConfig,
        engine: Engine,
        on_news: Callable[[News], None],
        context: Callable[[], tuple[Message, ...]] | None = None,
        analysers: Sequence[Analyser] = (),
    ) -> None:
        """``context``: as in ``TurnMachine``. ``analysers``: of this session alone."""
        self._loop = asyncio.get_running_loop()
        self._started_at = self._loop.time()
        self._machine = TurnMachine(config, started_at=self._started_at, context=context)
        self._engine = engine
        self._on_news = on_news
        self._detector = SpeechDetector()
        self._analysers = [analyser for analyser in analysers if not analyser.off_loop]
        self._off_loop = [
            OffLoopAnalyser(analyser, self._on_event) for analyser in analysers if analyser.off_loop
        ]
        self._inbox: deque[bytes | Command] = deque()
        self._pending_bytes = 0
        self._partial_frame = b""
        self._arrived = asyncio.Event()
        self._consumed = asyncio.Event()
        self._consumed.set()
        self._ready = asyncio.Event()
        """The engine takes orders; until then, everything waits in the inbox."""
        self._event_reader: asyncio.Task[None] | None = None
        self._first_sequence = 1
        """The first turn that the present engine serves."""
        self._former: asyncio.Task[None] | None = None
        """Closes the engine before, which hands over its last turns with that."""
        self._stopped = asyncio.Event()
        self._wake_at: float | None = None
        """When the machine wants its next tick, monotonic seconds."""
        self._wake_changed = asyncio.Event()
        self._totals = TurnTotals(config.context_turns + 1)
        self._is_performing = False
        self._deferred: deque[Step] = deque()
        """Steps that wait until the effects in hand have been carried out."""

    async def run(self) -> None:
        """Go on until ``stop``; raises what a bug raised. Always leaves the engine closed."""
        if self._stopped.is_set():
            return
        try:
            async with asyncio.TaskGroup() as self._tasks:
                running = [
                    self._tasks.create_task(work)
                    for work in (
                        self._consume_inbox(),
                        self._tick_when_due(),
                        *(analyser.run() for analyser in self._off_loop),
                    )
                ]
                await self._open_engine()
                await self._stopped.wait()
                for task in running:
                    task.cancel()
                if self._event_reader:
                    self._event_reader.cancel()
        except asyncio.CancelledError:
            await self.stop("server_stopped")
            raise
        finally:
            await self.stop("internal_error")

    async def stop(self, reason: str) -> Summary:
        """Hang up and have everything archived. May be called again: it then only sums up."""
        if not self._stopped.is_set():
            try:
                self._perform(lambda: self._machine.on_command(HangUp(reason), self._loop.time()))
            finally:  # the engine is closed whatever breaks
                self._stopped.set()
                await self._engine.close()
        return self._totals.summary(self._loop.time() - self._started_at)

    # The engine.

    async def _open_engine(self) -> None:
        engine = self._engine
        await engine.open()
        if self._stopped.is_set():  # stopped meanwhile: that close came too early
            await engine.close()
            return
        self._event_reader = self._tasks.create_task(self._read_events(engine))
        self._ready.set()

    async def _read_events(self, engine: Engine) -> None:
        async with contextlib.aclosing(engine.events()) as events:
            async for event in events:
                self._on_event(event)

    def _on_event(self, event: Event) -> None:
        if self._stopped.is_set():  # it was on its way: the turn it might open would never end
            return
        self._perform(lambda: self._machine.on_event(event, self._loop.time()))

    def switch_engine(self, make: Callable[[tuple[Message, ...]], Engine]) -> None:
        """Go on with another engine, which ``make`` is given the conversation's messages for, the
        turn in hand included. What comes meanwhile waits. Nothing happens, and ``make`` is not
        called, while an engine is being opened."""
        self._perform(lambda: self._switch_engine(make))

    def _switch_engine(self, make: Callable[[tuple[Message, ...]], Engine]) -> Iterable[Effect]:
        if self._stopped.is_set() or not self._ready.is_set():
            return ()
        self._carry_out(self._machine.release_engine(self._loop.time()))
        self._ready.clear()
        if self._event_reader:
            self._event_reader.cancel()
        old, self._engine = self._engine, make(self.messages())
        self._first_sequence = self._machine.next_sequence
        self._former = self._tasks.create_task(self._close_former(old, self._former))
        self._tasks.create_task(self._open_engine())
        return ()

    async def _close_former(self, old: Engine, before: asyncio.Task[None] | None) -> None:
        if before:
            await before
        await old.close()

    async def _amend(self, record: TurnRecord, former: asyncio.Task[None]) -> None:
        """Archive what is learnt of a turn of an engine before, behind what that one hands over."""
        await asyncio.wait([former])
        if not self._stopped.is_set():
            self._engine.archive_turn(record)

    # The client's audio and commands.

    def feed_audio(self, pcm: bytes) -> None:
        """The person's audio: mono s16le at 16 kHz, any even length. Never blocks."""
        if self._stopped.is_set():
            return
        self._inbox.append(pcm)
        self._pending_bytes += len(pcm)
        self._consumed.clear()
        self._arrived.set()
        if self._pending_bytes > MAX_PENDING_BYTES:
            self._drop_oldest_audio()

    async def wait_until_consumed(self) -> None:
        """Wait until all audio and commands so far have reached the engine: for whole files."""
        await self._consumed.wait()
        await self._engine.wait_until_executed()

    def submit(self, command: Command) -> None:
        """Carry out what the client asks for, behind the audio before it where that matters.

        Never blocks. Called from ``on_news``, it is carried out after the effects in hand.
        """
        self._perform(lambda: self._carry_out_or_enqueue(command))

    def _carry_out_or_enqueue(self, command: Command) -> Iterable[Effect]:
        if self._stopped.is_set():
            return ()
        if self._ready.is_set() and not self._follows_audio(command):
            return self._machine.on_command(command, self._loop.time())
        self._inbox.append(command)
        self._consumed.clear()
        self._arrived.set()
        return ()

    def _follows_audio(self, command: Command) -> bool:
        """Whether it must come after the audio, and the requests, that came before it."""
        if isinstance(command, InterruptReply):
            return any(isinstance(waiting, CreateResponse) for waiting in self._inbox)
        return isinstance(command, CommitTurn | ClearAudio | CreateResponse)

    def messages(self) -> tuple[Message, ...]:
        """The conversation so far, as far back as the context reaches; without system prompt."""
        return self._machine.messages()

    def reconfigure(self, config: ConversationConfig) -> None:
        self._perform(lambda: self._machine.reconfigure(config, self._loop.time()))

    async def _consume_inbox(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._inbox:
                await self._ready.wait()
                await self._feed_frames(self._next_frames())
                if self._inbox and not isinstance(command := self._inbox[0], bytes):
                    self._inbox.popleft()
                    await self._carry_out_enqueued(command)
            self._consumed.set()

    def _next_frames(self) -> list[bytes]:
        """All audio up to the next command, cut into frames."""
        pieces = [self._partial_frame]
        while self._inbox and isinstance(piece := self._inbox[0], bytes):
            pieces.append(piece)
            self._inbox.popleft()
        pcm = b"".join(pieces)
        self._pending_bytes -= len(pcm) - len(self._partial_frame)
        whole = len(pcm) - len(pcm) % FRAME_BYTES
        self._partial_frame = pcm[whole:]
        return [pcm[i : i + FRAME_BYTES] for i in range(0, whole, FRAME_BYTES)]

    async def _feed_frames(self, pieces: list[bytes]) -> None:
        if not pieces:
            return
        arrived_at = self._loop.time()
        if len(pieces) <= FRAMES_ON_LOOP:
            frames = self._analyse(pieces)
        else:
            frames = await self._loop.run_in_executor(_vad_thread, self._analyse, pieces)
        for frame in frames:
            await self._ready.wait()
            if self._stopped.is_set():  # as above
                return
            for analyser in self._off_loop:
                analyser.feed_frame(frame.pcm)
            self._perform(partial(self._machine.on_frame, frame, arrived_at))

    def _analyse(self, pieces: list[bytes]) -> list[Frame]:
        return [
            Frame(
                pcm,
                speech=self._detector.probability(pcm),
                level_dbfs=level_dbfs(pcm),
                analysis={analyser.name: analyser.analyse(pcm) for analyser in self._analysers},
            )
            for pcm in pieces
        ]

    async def _carry_out_enqueued(self, command: Command) -> None:
        if self._partial_frame and isinstance(command, CommitTurn):
            padded = self._partial_frame.ljust(FRAME_BYTES, b"\0")
            self._partial_frame = b""
            await self._feed_frames([padded])
        await self._ready.wait()
        if not self._stopped.is_set():
            self._perform(lambda: self._machine.on_command(command, self._loop.time()))

    def _drop_oldest_audio(self) -> None:
        while self._pending_bytes > MAX_PENDING_BYTES:
            oldest = next(waiting for waiting in self._inbox if isinstance(waiting, bytes))
            self._inbox.remove(oldest)
            self._pending_bytes -= len(oldest)
        self._on_news(
            Failure(
                "audio_dropped",
                "Audio came faster than it could be taken in; some of it was dropped.",
                retryable=True,
            )
        )

    # The time.

    async def _tick_when_due(self) -> None:
        while True:
            self._wake_changed.clear()
            try:
                async with asyncio.timeout_at(self._wake_at):
                    await self._wake_changed.wait()
            except TimeoutError:
                self._wake_at = None
                self._perform(lambda: self._machine.on_tick(self._loop.time()))

    # Effects.

    def after_effects(self, act: Callable[[], None]) -> None:
        """Call ``act`` once the effects in hand have been carried out; at once where none are."""

        def step() -> Iterable[Effect]:
            act()
            return ()

        self._perform(step)

    def _perform(self, step: Step) -> None:
        """Carry out what ``step`` returns. Steps that come meanwhile, from ``on_news``, wait for
        its end, in their order: the effects of two steps never mix."""
        self._deferred.append(step)
        if self._is_performing:
            return
        self._is_performing = True
        try:
            while self._deferred:
                self._carry_out(self._deferred.popleft()())
        finally:
            self._is_performing = False
            self._deferred.clear()

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, EngineOrder):
                self._engine.execute(effect)
            elif isinstance(effect, CloseTurn):
                self._totals.count(effect.record)
                is_own = effect.record.sequence >= self._first_sequence
                if is_own or self._former is None or self._former.done():
                    self._engine.archive_turn(effect.record)
                else:
                    self._tasks.create_task(self._amend(effect.record, self._former))
            elif isinstance(effect, WakeAt):
                self._wake_at = effect.at
                self._wake_changed.set()
            else:
                self._on_news(effect)
