"""Turn-taking: whose turn it is, when a turn has ended, what was heard of a reply.

Sans-IO: frames, commands, events and times go in; a list of effects comes out, in the order in
which they are to be carried out. It knows no socket, no engine and no clock; what must happen at a
time is a ``WakeAt``.

    on_frame(…)  on_command(…)  on_event(…)  on_tick(…)
           \\           |             |           /
                     TurnMachine  ->  [OpenTurn, SendAudio, StatusChanged, PlayAudio, WakeAt, …]

At most one turn is alive at a time: a new one ends the one before. It goes through the phases of
``turn.Phase``; ``STEPS``, below the class, is the table of what each input does in each phase. When
a turn starts and ends is for the strategies to say (``turn_taking``); how it can end, for
``turn_endings``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Literal, get_args
from uuid import UUID, uuid4

from interaction.core import late_facts, reply_events
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
from interaction.core.context_window import ContextWindow
from interaction.core.events import (
    AnalyserVerdict,
    ClientToolCalled,
    EngineEvent,
    EngineLost,
    EngineSpeechStarted,
    EngineSpeechStopped,
    Event,
    FinalTranscript,
    MetricMeasured,
    PartialSentence,
    PartialTranscript,
    ProviderSwitched,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    SessionEndRequested,
    StageFailed,
    ToolInvoked,
    UsageReported,
)
from interaction.core.news import (
    Failure,
    PlayAudio,
    ReplyInterrupted,
    SessionFinished,
    SpeechEnded,
    SpeechStarted,
    StatusChanged,
    TranscriptUpdated,
)
from interaction.core.orders import (
    CancelReply,
    CloseTurn,
    DropTurn,
    Effect,
    EndTurn,
    FlushTurn,
    OpenTurn,
    Respond,
    SendAudio,
    StreamAudio,
    TranscribeTurn,
    WakeAt,
)
from interaction.core.out_of_band import OutOfBandReplies
from interaction.core.reply import Reply
from interaction.core.speech_input import SpeechInput
from interaction.core.timeouts import next_timeout
from interaction.core.turn import COMMITTED, OPEN, STATUS, Phase, Turn
from interaction.core.turn_endings import ENDINGS, Ending
from interaction.core.turn_taking.strategy import End, Overlap, Start
from interaction.core.types import Frame, Message, ResponseOptions, Status

LAST_SEQUENCE = 2**32 - 1
"""Sequence of the closing piece of a reply that broke off, past every real one."""

NO_SPEECH = Failure(
    "no_speech",
    "No speech was heard. Check the microphone, then try again.",
    retryable=True,
    stage="stt",
)


@dataclass(frozen=True, slots=True)
class _Tick:
    """The time has come that a ``WakeAt`` named, or some other."""


@dataclass(frozen=True, slots=True)
class _CheckDue:
    """The time has come at which the strategy asked last wants to be asked again."""


_Input = Frame | Command | Event | _Tick | _CheckDue


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
        self.config = config
        self._started_at = started_at
        self._client_context = context
        self._new_id = new_id
        self._input = SpeechInput(config.turn_detection, barge_in=config.barge_in)
        self._turn: Turn | None = None
        self._closed = ContextWindow(config)
        self._out_of_band = OutOfBandReplies()
        self._status: Status = "listening"
        self._next_check: float | None = None
        """When the strategy that was asked last wants to be asked again."""
        self._wake: float | None = None
        """The time of the latest ``WakeAt``, until it has come."""
        self._effects: list[Effect] = []

    # What goes in.

    def on_frame(self, frame: Frame, now: float) -> list[Effect]:
        """The next 32 ms from the microphone."""
        self._input.on_frame(frame, now)
        if self.config.turn_detection.engine_detects_turns:
            self._effects.append(StreamAudio(frame.pcm))
        self._step(frame, now)
        return self._finish(now)

    def on_command(self, command: Command, now: float) -> list[Effect]:
        """What the client asks for or reports."""
        self._step(command, now)
        return self._finish(now)

    def on_event(self, event: Event, now: float) -> list[Effect]:
        """What the engine or an analyser reports."""
        self._input.on_event(event, now)
        self._step(event, now)
        return self._finish(now)

    def on_tick(self, now: float) -> list[Effect]:
        """A ``WakeAt`` has come (an early or a late one does no harm)."""
        self._wake = None
        for reply_id in self._out_of_band.overdue(now):
            self._effects += self._out_of_band.fail(reply_id, _no_progress(None, reply_id))
        if self._next_check is not None and now >= self._next_check:
            self._step(_CheckDue(), now)
        self._step(_Tick(), now)
        return self._finish(now)

    def reconfigure(self, config: ConversationConfig) -> None:
        """Change how it is led while it runs; this holds from the next frame on."""
        before, self.config, self._closed.config = self.config, config, config
        was = (before.turn_detection, before.barge_in)
        if was != (config.turn_detection, config.barge_in):
            self._input.configure(config.turn_detection, barge_in=config.barge_in)

    def release_engine(self, now: float) -> list[Effect]:
        """Another engine takes over: nothing more comes for the live turn."""
        turn = self._turn
        if turn and turn.phase in OPEN:
            self._drop(turn)
        elif turn and turn.reply:
            self._end(turn, "superseded", turn.reply.heard_ms(now))
        elif turn:
            self._end(turn, "heard")
        return self._finish(now)

    # What it tells when asked.

    @property
    def next_sequence(self) -> int:
        """The number of the turn that will be the next to start."""
        return self._closed.count + (1 if self._turn is None else 2)

    def messages(self) -> tuple[Message, ...]:
        """The conversation as far as the context reaches; without the system prompt."""
        return tuple(m for m in self._closed.messages(None) if m.role != "system")

    # From an input to its step, and to what comes out.

    def _step(self, event: _Input, now: float) -> None:
        phase, turn = self._locate(event)
        if step := STEPS.get((phase, type(event))):
            step(self, turn, event, now)

    def _locate(self, event: _Input) -> tuple[Phase, Turn | None]:
        """The turn that an input is about, and its phase; what names none is about the live one."""
        reply_id: UUID | None = getattr(event, "reply_id", None)
        turn_id: UUID | None = getattr(event, "turn_id", None)
        if isinstance(event, CreateResponse):
            if event.out_of_band:
                return Phase.OUT_OF_BAND, None
        elif reply_id in self._out_of_band:
            return Phase.OUT_OF_BAND, None
        elif reply_id or turn_id:
            return self._find(event, turn_id, reply_id)
        return (self._turn.phase, self._turn) if self._turn else (Phase.IDLE, None)

    def _find(
        self, event: _Input, turn_id: UUID | None, reply_id: UUID | None
    ) -> tuple[Phase, Turn | None]:
        for turn in (self._turn, *self._closed):
            if turn and turn_id in (None, turn.id):
                # Figures count for their turn, whichever reply they came of.
                fits = reply_id in (None, turn.reply_id) or isinstance(event, UsageReported)
                # What fails before there is a reply costs the turn.
                fits = fits or (isinstance(event, StageFailed) and turn.reply is None)
                if fits:
                    return turn.phase, turn
        return Phase.UNKNOWN, None

    def _finish(self, now: float) -> list[Effect]:
        turn = self._turn
        status = STATUS[turn.phase if turn else Phase.IDLE]
        if status != self._status:
            self._status = status
            self._effects.append(StatusChanged(status))
        times = [self._next_check, self._out_of_band.next_timeout()]
        if turn and turn.phase in COMMITTED:
            times.append(next_timeout(turn))
        wake = min((at for at in times if at is not None), default=None)
        if wake is not None and (self._wake is None or wake < self._wake):
            self._wake = wake
            self._effects.append(WakeAt(wake))
        effects, self._effects = self._effects, []
        return effects

    # Steps: the start of a turn.

    def _decide_start(self, turn: None, event: _Input, now: float) -> None:
        verdict = self._input.strategies.start.decide(now)
        self._next_check = verdict.next_check
        if verdict.decision is Start.START:
            self._open_spoken_turn(now)
        else:
            self._input.drop_old_audio()

    def _decide_overlap(self, turn: Turn, event: _Input, now: float) -> None:
        verdict = self._input.strategies.overlap.decide(turn.reply_progress, now)
        self._next_check = verdict.next_check
        if verdict.decision is Overlap.INTERRUPT:
            self._open_spoken_turn(now)
            return
        if verdict.decision is Overlap.IGNORE:
            self._input.discard_speech()
        self._input.drop_old_audio()

    def _open_spoken_turn(self, now: float) -> None:
        opened = self._input.open_turn(now)
        if (
            (before := self._turn)
            and before.reply
            and before.reply.all_sent
            and (self.config.turn_detection.commit_opens_turn)
        ):
            self._end_played(before, round(before.reply.audio_ms))
        elif before:
            self._cut_off(before, now)
        turn = self._start_turn("speech", Phase.RECORDING, now)
        turn.speech_started_at, turn.speech_ended_at = (
            opened.speech_started_at,
            opened.speech_ended_at,
        )
        self._effects += [
            OpenTurn(turn.id, turn.sequence),
            SpeechStarted(turn.id, opened.input_ms),
            SendAudio(turn.id, opened.pcm),
        ]
        self._decide_end(turn, None, now)

    def _open_typed_turn(self, before: Turn | None, command: SendText, now: float) -> None:
        if before and before.phase in OPEN:
            self._drop(before)
        elif before:
            self._cut_off(before, now)
        turn = self._start_turn("text", Phase.RESPONDING, now)
        turn.transcript, turn.speech_ended_at = command.text, now
        self._effects.append(TranscriptUpdated(turn.id, command.text, final=True))
        self._respond(turn, self._new_id(), self.config.options, self._context())

    def _start_turn(self, kind: Literal["speech", "text"], phase: Phase, now: float) -> Turn:
        sequence = self._closed.count + 1
        self._turn = Turn(self._new_id(), sequence, kind, phase, opened_at=now, progress_at=now)
        return self._turn

    # Steps: the open turn.

    def _record_frame(self, turn: Turn, frame: Frame, now: float) -> None:
        self._effects.append(SendAudio(turn.id, self._input.pop_audio()))
        if self._input.speech.speaking:
            turn.speech_ended_at = now
            if turn.speech_started_at is None:
                turn.speech_started_at = self._input.speech.run_started_at
        self._decide_end(turn, frame, now)

    def _note_partial_of_open_turn(self, turn: Turn, event: PartialTranscript, now: float) -> None:
        self._note_partial(turn, event, now)
        self._input.on_transcript(event.text, now, final=False)
        self._decide_end(turn, event, now)

    def _decide_end(self, turn: Turn, event: _Input | None, now: float) -> None:
        verdict = self._input.strategies.end.decide(now)
        self._next_check = verdict.next_check
        match verdict.decision:
            case End.END:
                self._commit(turn, now)
            case End.PREPARE:
                self._prepare_reply(turn)
            case End.GO_ON if turn.phase is Phase.PREPARING:
                self._discard_eager_reply(turn)
                turn.phase = Phase.RECORDING

    def _prepare_reply(self, turn: Turn) -> None:
        if turn.phase is Phase.RECORDING and self.config.respond_when == "always":
            turn.phase, turn.reply = Phase.PREPARING, Reply(self._new_id())
            order = (turn.id, turn.reply.id, self._context(), self.config.options)
            self._effects.append(FlushTurn(*order))

    def _keep_eager_event(
        self, turn: Turn, event: _ReplyEvent | FinalTranscript, now: float
    ) -> None:
        if event.reply_id is None:
            return  # a transcript of the flush names its reply; another may lack what follows
        turn.eager_events.append((event, now))
        if isinstance(event, FinalTranscript):
            self._input.on_transcript(event.text, now, final=True)
            self._decide_end(turn, event, now)

    def _discard_eager_reply(self, turn: Turn) -> None:
        assert turn.reply is not None
        self._effects.append(CancelReply(turn.id, turn.reply.id))
        turn.reply = None
        turn.eager_events.clear()

    def _commit_open_turn(self, turn: Turn, command: CommitTurn, now: float) -> None:
        self._commit(turn, now, command.respond)

    def _commit_buffer(self, before: Turn | None, command: CommitTurn, now: float) -> None:
        if self.config.turn_detection.commit_opens_turn and self._input.has_audio:
            self._open_spoken_turn(now)
            if self._turn and self._turn.phase in OPEN:
                self._commit(self._turn, now, command.respond)
        else:
            self._effects.append(NO_SPEECH)

    def _commit(self, turn: Turn, now: float, respond: bool | None = None) -> None:
        turn.phase, turn.progress_at, self._next_check = Phase.TRANSCRIBING, now, None
        turn.latency["end_of_turn_delay"] = turn.since_speech(now)
        self._input.close_turn()
        self._effects += self._out_of_band.on_commit(now)
        spoken_until = self._input.speech.last_speech_input_ms
        self._effects.append(SpeechEnded(turn.id, at_ms=spoken_until))
        if not (self.config.respond_when == "always" if respond is None else respond):
            if turn.reply:
                self._discard_eager_reply(turn)
            self._effects.append(TranscribeTurn(turn.id))
            return
        flushed = turn.reply is not None
        reply = turn.reply = turn.reply or Reply(self._new_id())
        order = (turn.id, reply.id, self._context(), flushed, self.config.options)
        self._effects.append(EndTurn(*order))
        events, turn.eager_events = turn.eager_events, []
        for event, at in events:
            if self._turn is turn:
                STEPS[turn.phase, type(event)](self, turn, event, at)
        turn.progress_at = now

    def _clear_audio(self, turn: Turn | None, command: ClearAudio, now: float) -> None:
        if turn and turn.phase in OPEN:
            self._drop(turn)
        self._input.clear_audio()

    # Steps: the transcript, and requests for a reply.

    def _note_partial(self, turn: Turn, event: PartialTranscript, now: float) -> None:
        turn.progress_at = now
        self._effects.append(TranscriptUpdated(turn.id, event.text, final=False))

    def _note_transcript(self, turn: Turn, event: FinalTranscript, now: float) -> None:
        if turn.transcript is not None:
            return
        turn.progress_at, turn.transcript = now, event.text
        turn.latency["transcription_delay"] = turn.since_speech(now)
        self._effects.append(TranscriptUpdated(turn.id, event.text, final=True))
        if turn.reply:
            self._effects += reply_events.announce(turn, turn.reply)
            self._enter_phase_of_reply(turn, turn.reply)
        elif turn.requested:
            self._reply_to_turn(turn, turn.requested, late_words=event.text)
        elif self.config.respond_when == "never":
            self._end(turn, "heard")
        else:
            turn.phase = Phase.AWAITING_REQUEST

    def _note_late_transcript(self, turn: Turn, event: FinalTranscript, now: float) -> None:
        """A turn that was talked over while it was transcribed: its words still count."""
        if turn.transcript is None:
            turn.transcript = event.text
            self._effects.append(TranscriptUpdated(turn.id, event.text, final=True))
            self._amend(turn)

    def _request_reply(self, turn: Turn, request: CreateResponse, now: float) -> None:
        if turn.reply:
            self._replace_reply(turn, request, now)
            return
        turn.requested, turn.progress_at = request, now
        if turn.transcript is not None:
            self._reply_to_turn(turn, request)

    def _replace_reply(self, turn: Turn, request: CreateResponse, now: float) -> None:
        if turn.reply and turn.reply.all_sent:
            self._end_played(turn, round(turn.reply.audio_ms))
        else:
            self._cut_off(turn, now)
        self._reply_to_context(None, request, now)

    def _reply_to_turn(self, turn: Turn, request: CreateResponse, late_words: str = "") -> None:
        """``late_words``: the turn's, where whoever keeps the context does not have them yet."""
        context, late = request.context, bool(late_words) and request.append_transcript
        if context is None:
            context = self._context()
            late = late and self._client_context is not None
        if late:
            context = (*context, Message("user", late_words))
        self._respond(turn, request.reply_id, request.options or self.config.options, context)

    def _reply_to_context(self, turn: None, request: CreateResponse, now: float) -> None:
        context = self._context() if request.context is None else request.context
        turn_ = self._start_turn("text", Phase.RESPONDING, now)
        last = context[-1] if context else None
        turn_.transcript = last.content if last and last.role == "user" else ""
        turn_.speech_ended_at = now
        self._respond(turn_, request.reply_id, request.options or self.config.options, context)

    def _respond(
        self, turn: Turn, reply_id: UUID, options: ResponseOptions, context: tuple[Message, ...]
    ) -> None:
        reply = turn.reply = Reply(reply_id)
        turn.phase, spoken = Phase.RESPONDING, turn.kind == "speech"
        self._effects += reply_events.announce(turn, reply)
        order = Respond(turn.id, turn.sequence, reply.id, context, options, spoken)
        self._effects.append(order)

    def _context(self) -> tuple[Message, ...]:
        client, turn = self._client_context, self._turn
        context = client() if client else self._closed.messages(turn)
        if turn:
            turn.context = context
        return context

    # Steps: the reply comes, is sent and played.

    def _on_reply_event(self, turn: Turn, event: EngineEvent, now: float) -> None:
        if turn.reply is None:
            return
        self._effects += reply_events.on_event(turn, turn.reply, event, now)
        if turn.reply.silent:
            self._end_played(turn, 0)
        else:
            self._enter_phase_of_reply(turn, turn.reply)

    @staticmethod
    def _enter_phase_of_reply(turn: Turn, reply: Reply) -> None:
        if reply.audio_ms > 0:
            turn.phase = Phase.SPEAKING
        elif reply.announced:
            turn.phase = Phase.RESPONDING

    def _note_audio_sent(self, turn: Turn, command: AudioSent, now: float) -> None:
        if turn.reply is None:
            return
        last = command.last
        self._effects += reply_events.on_audio_sent(turn, turn.reply, now, last=last)
        if last and (played_ms := turn.reply.played_ms) is not None:
            self._end_played(turn, played_ms)

    def _note_playback(self, turn: Turn, report: PlaybackReport, now: float) -> None:
        if turn.reply is None:
            return
        late_facts.note_playback(turn, turn.reply, report, now)
        if turn.phase is Phase.CLOSED:
            turn.heard_ms = round(min(report.played_ms, turn.reply.audio_ms))
            self._amend(turn)
        elif (played_ms := turn.reply.played_ms) is not None:
            self._end_played(turn, played_ms)

    def _interrupt_reply(self, turn: Turn, command: InterruptReply, now: float) -> None:
        if turn.requested and not turn.reply:
            reply_id, turn.requested = turn.requested.reply_id, None
            self._effects.append(ReplyInterrupted(turn.id, reply_id, 0, ""))
        else:
            self._cut_off(turn, now, command.heard_ms)

    def _expire(self, turn: Turn, tick: _Tick, now: float) -> None:
        if now < next_timeout(turn):
            return
        reply = turn.reply
        if turn.phase is Phase.AWAITING_REQUEST:
            self._end(turn, "heard")
        elif reply and reply.all_sent and reply.reported_ms is None:
            self._end_played(turn, reply.heard_ms(now))
        elif reply and (turn.audible or reply.complete):
            self._end(turn, "timeout", reply.heard_ms(now))
        else:
            self._fail(turn, _no_progress(turn, turn.reply_id), now)

    # Steps: what is learnt beside.

    def _note_metric(self, turn: Turn, event: MetricMeasured, now: float) -> None:
        if late_facts.note_metric(turn, event):
            self._amend(turn)

    def _note_switch(self, turn: Turn, event: ProviderSwitched, now: float) -> None:
        turn.fallbacks += (event,)
        self._effects.append(event)
        self._amend(turn)

    def _note_usage(self, turn: Turn, event: UsageReported, now: float) -> None:
        late_facts.note_usage(turn, event, self._closed.estimate)
        self._effects.append(event)

    def _amend(self, turn: Turn) -> None:
        """A closed turn is archived again, with what was learnt since."""
        if turn.phase is Phase.CLOSED:
            self._effects.append(CloseTurn(turn.record(self._started_at)))

    # Steps: failures.

    def _fail_turn(self, turn: Turn, event: StageFailed, now: float) -> None:
        failure = Failure(**asdict(event))
        if event.stage == "archive" or event.code == "audio_dropped":
            self._effects.append(failure)
        else:
            self._fail(turn, failure, now)

    def _report_failed_archive(self, turn: Turn | None, event: StageFailed, now: float) -> None:
        if event.stage == "archive":
            self._effects.append(Failure(**asdict(event)))

    def _lose_engine(self, turn: Turn | None, event: EngineLost, now: float) -> None:
        if turn:
            why = (event.code, event.message, event.retryable)
            self._fail(turn, Failure(*why, "realtime", event.provider, turn.id, turn.reply_id), now)
        self._effects.append(event)

    def _fail(self, turn: Turn, failure: Failure, now: float) -> None:
        """Give this turn up; what has come of the reply may still be played."""
        if failure.code == "no_speech":
            self._drop(turn)
            self._effects.append(failure)
            if turn.requested:
                self._reply_to_context(None, turn.requested, now)
            return
        if turn.reply and turn.reply.complete:
            return  # everything came before the failure: nothing is missing
        if turn.phase in OPEN:
            self._input.close_turn()
            self._effects.append(SpeechEnded(turn.id))
        if turn.requested:
            failure = replace(failure, reply_id=turn.reply_id)
        turn.error = failure
        reply = turn.reply = turn.reply or Reply(turn.reply_id or self._new_id())
        self._effects += [failure, CancelReply(turn.id, reply.id, reply.heard_ms(now))]
        if reply.audio_ms == 0:
            self._end(turn, "failed")
            return
        reply.complete = True
        number = max(reply.sentences, default=0)
        self._effects.append(PlayAudio(turn.id, reply.id, LAST_SEQUENCE, number, b"", last=True))

    # The end of a turn.

    def _drop(self, turn: Turn) -> None:
        """End a turn that came to nothing."""
        if turn.phase is Phase.PREPARING:
            self._discard_eager_reply(turn)
        if turn.phase in OPEN:
            self._effects.append(SpeechEnded(turn.id, kept=False))
        self._input.close_turn()
        self._end(turn, "dropped")

    def _end_played(self, turn: Turn, heard_ms: int) -> None:
        self._end(turn, "failed" if turn.error else "played", heard_ms)

    def _cut_off(self, turn: Turn, now: float, heard_ms: int | None = None) -> None:
        """End a committed turn whose reply is not to be heard any further."""
        reply = turn.reply
        if reply is None:
            self._end(turn, "heard")
            return
        heard = reply.heard_ms(now) if heard_ms is None else min(heard_ms, round(reply.audio_ms))
        self._end(turn, "interrupted" if turn.audible else "superseded", heard)

    def _end(self, turn: Turn, how: Ending, heard_ms: int | None = None) -> None:
        """The one way in which a turn ends. ``heard_ms``: of its reply; None: there was none."""
        ending = ENDINGS[how]
        turn.phase, turn.heard_ms, turn.end_reason = Phase.CLOSED, heard_ms, ending.end_reason
        self._turn = self._next_check = None
        if ending.news is ReplyInterrupted and turn.reply_id:
            heard = (heard_ms or 0, turn.heard_text(), dict(turn.latency))
            self._effects.append(ReplyInterrupted(turn.id, turn.reply_id, *heard))
        if ending.cancels_reply and turn.reply:
            self._effects.append(CancelReply(turn.id, turn.reply.id, heard_ms or 0))
        if ending.end_reason is None:
            self._effects.append(DropTurn(turn.id))
            return
        self._closed.add(turn)
        self._effects.append(CloseTurn(turn.record(self._started_at)))
        if turn.ends_session and how == "played":
            self._effects.append(SessionFinished("ended_by_agent"))

    def _hang_up(self, turn: Turn | None, command: HangUp, now: float) -> None:
        """The stages of a committed turn go on: its record stays whole."""
        self._effects += self._out_of_band.cancel_all()
        if turn is None:
            return
        if turn.phase in OPEN:
            self._drop(turn)
        elif turn.reply is None:
            self._end(turn, "heard")
        else:
            self._end(turn, "client_left", turn.reply.heard_ms(now))

    # Steps: replies out of band.

    def _start_out_of_band(self, turn: Turn | None, request: CreateResponse, now: float) -> None:
        context = self._context() if request.context is None else request.context
        options = request.options or self.config.options
        self._effects += self._out_of_band.start(self._new_id(), request, context, options, now)

    def _on_out_of_band_event(self, turn: None, event: _ReplyEvent, now: float) -> None:
        self._effects += self._out_of_band.on_event(event.reply_id, event, now)

    def _on_out_of_band_sent(self, turn: None, command: AudioSent, now: float) -> None:
        last = command.last
        self._effects += self._out_of_band.on_audio_sent(command.reply_id, now, last=last)

    def _interrupt_out_of_band(self, turn: None, command: InterruptReply, now: float) -> None:
        assert command.reply_id is not None
        self._effects += self._out_of_band.interrupt(command.reply_id, now)

    def _fail_out_of_band(self, turn: None, event: StageFailed, now: float) -> None:
        assert event.reply_id is not None
        self._effects += self._out_of_band.fail(event.reply_id, Failure(**asdict(event)))


def _no_progress(turn: Turn | None, reply_id: UUID | None) -> Failure:
    return Failure(
        "turn_timeout",
        "Nothing came back for this turn. Please say it again.",
        retryable=True,
        stage="stt" if turn and turn.transcript is None else "llm",
        turn_id=turn.id if turn else None,
        reply_id=reply_id,
    )


_ReplyEvent = (
    ReplySentence
    | PartialSentence
    | ReplyText
    | ReplyAudio
    | ToolInvoked
    | ClientToolCalled
    | SessionEndRequested
)
_Key = tuple[Phase, type]
_Step = Callable[..., None]
"""Takes the machine, the turn that the input is about, the input and the time."""

_FRAME = (Frame,)
_STRATEGY = (EngineSpeechStarted, EngineSpeechStopped, AnalyserVerdict, _CheckDue)
"""What the strategies are asked after, beside frames."""
_REPLY = get_args(_ReplyEvent)
_IDLE = (Phase.IDLE,)
_LIVE = (*OPEN, *COMMITTED)
_ANY = (*_IDLE, *_LIVE)
_REPLIED = (Phase.TRANSCRIBING, Phase.RESPONDING, Phase.SPEAKING)


def _table(*rows: tuple[tuple[Phase, ...], tuple[type, ...], _Step]) -> Mapping[_Key, _Step]:
    steps: dict[_Key, _Step] = {}
    for phases, inputs, step in rows:
        for key in product(phases, inputs):
            assert key not in steps, f"two steps for {key}"
            steps[key] = step
    return steps


# What each input does in each phase, from a turn's start to its end. What is not here is dropped.
# fmt: off
_M = TurnMachine
STEPS: Mapping[_Key, _Step] = _table(
    # No turn is alive.
    (_IDLE,                  (Frame, *_STRATEGY),         _M._decide_start),
    (_IDLE,                  (CreateResponse,),           _M._reply_to_context),
    # A turn is open: the person speaks, or may have finished.
    (OPEN,                   (Frame,),                    _M._record_frame),
    (OPEN,                   _STRATEGY,                   _M._decide_end),
    (OPEN,                   (PartialTranscript,),        _M._note_partial_of_open_turn),
    (OPEN,                   (CommitTurn,),               _M._commit_open_turn),
    (OPEN,                   (CreateResponse,),           _M._start_out_of_band),
    ((Phase.PREPARING,),     (FinalTranscript, *_REPLY),  _M._keep_eager_event),
    # It is committed: transcribed, replied to, played.
    (COMMITTED,              (Frame, *_STRATEGY),         _M._decide_overlap),
    (COMMITTED,              (_Tick,),                    _M._expire),
    (COMMITTED,              (PartialTranscript,),        _M._note_partial),
    (COMMITTED,              (FinalTranscript,),          _M._note_transcript),
    (COMMITTED,              (InterruptReply,),           _M._interrupt_reply),
    (COMMITTED,              (CreateResponse,),           _M._request_reply),
    (_REPLIED,               _REPLY,                      _M._on_reply_event),
    (_REPLIED,               (AudioSent,),                _M._note_audio_sent),
    (_REPLIED,               (PlaybackReport,),           _M._note_playback),
    # It is closed: what is learnt late.
    ((Phase.CLOSED,),        (FinalTranscript,),          _M._note_late_transcript),
    ((Phase.CLOSED,),        (PlaybackReport,),           _M._note_playback),
    ((*_LIVE, Phase.CLOSED), (MetricMeasured,),           _M._note_metric),
    ((*_LIVE, Phase.CLOSED), (ProviderSwitched,),         _M._note_switch),
    ((*_LIVE, Phase.CLOSED), (UsageReported,),            _M._note_usage),
    # Whatever turn is alive, or none.
    ((*_IDLE, *COMMITTED),   (CommitTurn,),               _M._commit_buffer),
    (_ANY,                   (SendText,),                 _M._open_typed_turn),
    (_ANY,                   (ClearAudio,),               _M._clear_audio),
    (_ANY,                   (HangUp,),                   _M._hang_up),
    (_ANY,                   (EngineLost,),               _M._lose_engine),
    # A stage fails: the live turn's; the archiving of a closed one, however long ago.
    (_LIVE,                  (StageFailed,),              _M._fail_turn),
    ((Phase.CLOSED, Phase.UNKNOWN), (StageFailed,),       _M._report_failed_archive),
    # Replies that are no part of the conversation.
    ((Phase.OUT_OF_BAND,),   (CreateResponse,),           _M._start_out_of_band),
    ((Phase.OUT_OF_BAND,),   (*_REPLY, UsageReported),    _M._on_out_of_band_event),
    ((Phase.OUT_OF_BAND,),   (AudioSent,),                _M._on_out_of_band_sent),
    ((Phase.OUT_OF_BAND,),   (InterruptReply,),           _M._interrupt_out_of_band),
    ((Phase.OUT_OF_BAND,),   (StageFailed,),              _M._fail_out_of_band),
)
# fmt: on
