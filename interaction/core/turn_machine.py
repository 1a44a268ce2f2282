"""Turn-taking: whose turn it is, when a turn has ended, what was heard of a reply.

Sans-IO: frames, commands, events and times go in; a list of effects comes out, in the order in
which they are to be carried out. It knows no socket, no engine and no clock; what must happen at a
time is a ``WakeAt``.

    on_frame(…)  on_command(…)  on_event(…)  on_tick(…)
           \\           |             |           /
                     TurnMachine  ->  [OpenTurn, SendAudio, StatusChanged, PlayAudio, WakeAt, …]

At most one turn is alive at a time: a new one ends the one before. Beside it, another may contend
for its floor: who speaks over a reply is transcribed before it is known whether they want it. A
turn goes through the phases of ``turn.Phase``; ``STEPS`` is the table of what each input does in
each phase, ``turn_steps`` has the steps. When a turn starts and ends is for the strategies to say
(``turn_taking``); how it can end, for ``turn_endings``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import get_args
from uuid import UUID, uuid4

from interaction.core.commands import (
    AudioSent,
    ClearAudio,
    Command,
    CommitTurn,
    CreateResponse,
    HangUp,
    InterruptReply,
    PlaybackReport,
    SendText,
)
from interaction.core.config import ConversationConfig
from interaction.core.events import (
    AnalyserVerdict,
    EngineLost,
    EngineSpeechStarted,
    EngineSpeechStopped,
    Event,
    FinalTranscript,
    MetricMeasured,
    PartialTranscript,
    ProviderSwitched,
    StageFailed,
    UsageReported,
)
from interaction.core.news import StatusChanged
from interaction.core.orders import Effect, StreamAudio, WakeAt
from interaction.core.timeouts import next_timeout
from interaction.core.turn import COMMITTED, OPEN, STATUS, Phase, Turn
from interaction.core.turn_steps import CheckDue, Input, ReplyEvent, Tick, TurnSteps
from interaction.core.types import Frame, Message, Status

_Key = tuple[Phase, type]
_Step = Callable[..., None]
"""A method of ``TurnSteps``; it takes the turn that the input is about, the input and the time."""

_STRATEGY = (EngineSpeechStarted, EngineSpeechStopped, AnalyserVerdict, CheckDue)
"""After these the strategies are asked, as after frames."""
_REPLY = get_args(ReplyEvent)
_IDLE = (Phase.IDLE,)
_PREPARING = (Phase.PREPARING,)
_IN_PROGRESS = (Phase.TRANSCRIBING, Phase.RESPONDING, Phase.SPEAKING)
_REPLYING = (Phase.RESPONDING, Phase.SPEAKING)
_LIVE = OPEN + COMMITTED
_CONTENDING = (Phase.CONTENDING,)
_CLOSED = (Phase.CLOSED,)
_GONE = (Phase.UNKNOWN,)
_OUT_OF_BAND = (Phase.OUT_OF_BAND,)


def _table(*rows: tuple[tuple[Phase, ...], tuple[type, ...], _Step]) -> Mapping[_Key, _Step]:
    steps: dict[_Key, _Step] = {}
    for phases, inputs, step in rows:
        for key in product(phases, inputs):
            assert key not in steps, f"two steps for {key}"
            steps[key] = step
    return steps


# What each input does in each phase, from a turn's start to its end. What is not here is dropped.
# fmt: off
_S = TurnSteps
STEPS: Mapping[_Key, _Step] = _table(
    # No turn is alive.
    (_IDLE,           (Frame, *_STRATEGY),         _S.decide_start),
    (_IDLE,           (CreateResponse,),           _S.reply_to_context),
    # A turn is open: the person speaks, or may have finished.
    (OPEN,            (Frame,),                    _S.record_frame),
    (OPEN,            _STRATEGY,                   _S.decide_end),
    (OPEN,            (PartialTranscript,),        _S.note_partial_of_open_turn),
    (OPEN,            (CommitTurn,),               _S.commit_open_turn),
    (OPEN,            (CreateResponse,),           _S.start_out_of_band),
    (_PREPARING,      (FinalTranscript, *_REPLY),  _S.hold_eager_event),
    # It is committed: transcribed, replied to, played.
    (COMMITTED,       (Frame, *_STRATEGY),         _S.decide_overlap),
    (COMMITTED,       (Tick,),                     _S.expire),
    (COMMITTED,       (PartialTranscript,),        _S.note_partial),
    (COMMITTED,       (InterruptReply,),           _S.interrupt_reply),
    (COMMITTED,       (CreateResponse,),           _S.request_reply),
    (_IN_PROGRESS,    (FinalTranscript,),          _S.note_transcript),
    (_IN_PROGRESS,    _REPLY,                      _S.on_reply_event),
    (_REPLYING,       (AudioSent,),                _S.note_audio_sent),
    (_REPLYING,       (PlaybackReport,),           _S.note_playback),
    # Somebody contends for its floor.
    (_CONTENDING,     (PartialTranscript,),        _S.weigh_words),
    (_CONTENDING,     (StageFailed, ProviderSwitched), _S.hold_event),
    (_CONTENDING,     (MetricMeasured,),           _S.note_metric),
    # It is closed: what is learnt late.
    (_CLOSED,         (FinalTranscript,),          _S.note_late_transcript),
    (_CLOSED,         (PlaybackReport,),           _S.note_playback),
    # At any time in a turn's life.
    (_LIVE + _CLOSED, (MetricMeasured,),           _S.note_metric),
    (_LIVE + _CLOSED, (ProviderSwitched,),         _S.note_switch),
    (_LIVE + _CLOSED, (UsageReported,),            _S.note_usage),
    # With a turn or without one.
    (_IDLE + COMMITTED, (CommitTurn,),             _S.commit_buffer),
    (_IDLE + _LIVE,   (SendText,),                 _S.open_typed_turn),
    (_IDLE + _LIVE,   (ClearAudio,),               _S.clear_audio),
    (_IDLE + _LIVE,   (HangUp,),                   _S.hang_up),
    (_IDLE + _LIVE,   (EngineLost,),               _S.lose_engine),
    # A stage fails: the live turn's; the archiving of another one, however long ago.
    (_LIVE,           (StageFailed,),              _S.fail_turn),
    (_CLOSED + _GONE, (StageFailed,),              _S.report_failed_archive),
    # Replies that are no part of the conversation.
    (_OUT_OF_BAND,    (CreateResponse,),           _S.start_out_of_band),
    (_OUT_OF_BAND,    (*_REPLY, UsageReported),    _S.on_out_of_band_event),
    (_OUT_OF_BAND,    (AudioSent,),                _S.on_out_of_band_sent),
    (_OUT_OF_BAND,    (InterruptReply,),           _S.interrupt_out_of_band),
    (_OUT_OF_BAND,    (StageFailed,),              _S.fail_out_of_band),
)
# fmt: on


class TurnMachine:
    """One person's conversation. Not thread-safe; every call returns what is to be done."""

    def __init__(
        self,
        config: ConversationConfig,
        *,
        started_at: float,
        context: Callable[[], tuple[Message, ...]] | None = None,
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        """``started_at``: monotonic seconds of the session's start, where its clock is 0.
        ``context``: all messages that a reply is to be given but the words of the turn it answers,
        for clients who keep the conversation themselves; without it, the context kept here."""
        self._steps = TurnSteps(config, started_at, context, new_id)
        self._status: Status = "listening"
        self._wake: float | None = None
        """The time of the latest ``WakeAt``, until it has come."""

    def on_frame(self, frame: Frame, now: float) -> list[Effect]:
        """The next 32 ms from the microphone."""
        steps = self._steps
        steps.input.on_frame(frame, now)
        if steps.config.turn_detection.engine_detects_turns:
            steps.effects.append(StreamAudio(frame.pcm))
        self._step(frame, now)
        return self._finish(now)

    def on_command(self, command: Command, now: float) -> list[Effect]:
        """What the client asks for or reports."""
        self._step(command, now)
        return self._finish(now)

    def on_event(self, event: Event, now: float) -> list[Effect]:
        """What the engine or an analyser reports."""
        self._steps.input.on_event(event, now)
        self._step(event, now)
        return self._finish(now)

    def on_tick(self, now: float) -> list[Effect]:
        """A ``WakeAt`` has come (an early or a late one does no harm)."""
        self._wake, due = None, self._steps.next_check
        self._steps.fail_overdue_out_of_band(now)
        if due is not None and now >= due:
            self._step(CheckDue(), now)
        self._step(Tick(), now)
        return self._finish(now)

    def reconfigure(self, config: ConversationConfig, now: float) -> list[Effect]:
        """Change how it is led while it runs; this holds from the next frame on."""
        self._steps.reconfigure(config, now)
        return self._finish(now)

    def release_engine(self, now: float) -> list[Effect]:
        """Another engine takes over: nothing more comes for the live turn."""
        self._steps.release_engine(now)
        return self._finish(now)

    @property
    def next_sequence(self) -> int:
        """The number of the turn that will be the next to start."""
        begun = (self._steps.turn, self._steps.contender)
        return self._steps.closed.count + 1 + sum(turn is not None for turn in begun)

    def messages(self) -> tuple[Message, ...]:
        """The conversation as far as the context reaches; without the system prompt."""
        return tuple(m for m in self._steps.closed.messages(None) if m.role != "system")

    # From an input to its step, and to what comes out.

    def _step(self, event: Input, now: float) -> None:
        phase, turn = self._locate(event)
        if step := STEPS.get((phase, type(event))):
            step(self._steps, turn, event, now)

    def _locate(self, event: Input) -> tuple[Phase, Turn | None]:
        """The turn that an input is about, and its phase; what names none is about the live one."""
        reply_id: UUID | None = getattr(event, "reply_id", None)
        turn_id: UUID | None = getattr(event, "turn_id", None)
        if isinstance(event, CreateResponse):
            if event.out_of_band:
                return Phase.OUT_OF_BAND, None
        elif reply_id in self._steps.out_of_band:
            return Phase.OUT_OF_BAND, None
        elif reply_id or turn_id:
            return self._find(event, turn_id, reply_id)
        live = self._steps.turn
        return (live.phase, live) if live else (Phase.IDLE, None)

    def _find(
        self, event: Input, turn_id: UUID | None, reply_id: UUID | None
    ) -> tuple[Phase, Turn | None]:
        for turn in (self._steps.turn, self._steps.contender, *self._steps.closed):
            if turn and turn_id in (None, turn.id):
                # Figures count for their turn, whichever reply they came of.
                fits = reply_id in (None, turn.reply_id) or isinstance(event, UsageReported)
                # What fails before there is a reply costs the turn.
                fits = fits or (isinstance(event, StageFailed) and turn.reply is None)
                if fits:
                    return turn.phase, turn
        return Phase.UNKNOWN, None

    def _finish(self, now: float) -> list[Effect]:
        turn = self._steps.turn
        status = STATUS[turn.phase if turn else Phase.IDLE]
        if status != self._status:
            self._status = status
            self._steps.effects.append(StatusChanged(status))
        times = [self._steps.next_check, self._steps.out_of_band.next_timeout()]
        if turn and turn.phase in COMMITTED:
            times.append(next_timeout(turn))
        wake = min((at for at in times if at is not None), default=None)
        if wake is not None and (self._wake is None or wake < self._wake):
            self._wake = wake
            self._steps.effects.append(WakeAt(wake))
        effects, self._steps.effects = self._steps.effects, []
        return effects
