"""What each input does to a conversation: the steps of ``turn_machine.STEPS``.

A step gets the turn that its input is about (None where it is about none), the input and the time;
what is to be done it adds to ``effects``, in order. Which input leads to which step in which phase
is in that table alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Literal
from uuid import UUID

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
    ClientToolCalled,
    EngineEvent,
    EngineLost,
    Event,
    FinalTranscript,
    MetricMeasured,
    PartialSentence,
    PartialTranscript,
    ProviderSwitched,
    ReplyAtWork,
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
    FloorContested,
    FloorKept,
    PlayAudio,
    ReplyHeard,
    ReplyInterrupted,
    SessionFinished,
    SpeechEnded,
    SpeechStarted,
    TranscriptUpdated,
)
from interaction.core.orders import (
    CancelReply,
    CloseTurn,
    DropTurn,
    Effect,
    EndTurn,
    FlushTurn,
    GiveFloor,
    NotePlayback,
    OpenTurn,
    Respond,
    SendAudio,
    TranscribeTurn,
)
from interaction.core.out_of_band import OutOfBandReplies
from interaction.core.reply import Reply
from interaction.core.speech_input import OpenedTurn, SpeechInput
from interaction.core.timeouts import next_timeout
from interaction.core.turn import COMMITTED, OPEN, Phase, Turn
from interaction.core.turn_endings import ENDINGS, HANG_UPS, Ending, TurnEnding
from interaction.core.turn_taking.strategy import End, Overlap, Start
from interaction.core.types import Frame, Message, ResponseOptions

LAST_SEQUENCE = 2**32 - 1
"""Sequence of the closing piece of a reply that broke off, past every real one."""

NOTED_EVERY_MS = 250
"""Playback between two ``NotePlayback``: as often as pages report it."""

CORRECTED_FROM_MS = 1_000
"""A closed turn whose reply is still played is archived again this often."""

FIRST_WORDS_S = 0.45
"""Words that are understood of less speech are mostly taken back at once: nobody is shown them."""

NO_SPEECH = Failure(
    "no_speech",
    "No speech was heard. Check the microphone, then try again.",
    retryable=True,
    stage="stt",
)


@dataclass(frozen=True, slots=True)
class Tick:
    """The time has come that a ``WakeAt`` named, or some other."""


@dataclass(frozen=True, slots=True)
class CheckDue:
    """The time has come at which the strategy asked last wants to be asked again."""


Input = Frame | Command | Event | Tick | CheckDue

ReplyEvent = (
    ReplySentence
    | PartialSentence
    | ReplyAtWork
    | ReplyText
    | ReplyAudio
    | ToolInvoked
    | ClientToolCalled
    | SessionEndRequested
)
"""What the engine reports of a reply in the making."""


class TurnSteps:
    """The state of one conversation, and what changes it."""

    def __init__(
        self,
        config: ConversationConfig,
        started_at: float,
        context: Callable[[], tuple[Message, ...]] | None,
        new_id: Callable[[], UUID],
    ) -> None:
        """As in ``TurnMachine``."""
        self.config = config
        self.turn: Turn | None = None
        """The turn that is alive."""
        self.contender: Turn | None = None
        """The turn that is opened if whoever speaks over the live one gets the floor."""
        self.closed = ContextWindow(config)
        self.out_of_band = OutOfBandReplies()
        self.input = SpeechInput(config.turn_detection, barge_in=config.barge_in)
        self.next_check: float | None = None
        """When the strategy that was asked last wants to be asked again."""
        self.effects: list[Effect] = []
        """What is to be done, as far as it has not been handed out."""
        self._started_at = started_at
        self._client_context = context
        self._new_id = new_id
        self._client_reports = False
        """The client has reported playback going on."""

    # The start of a turn.

    def decide_start(self, turn: None, event: Input, now: float) -> None:
        verdict = self.input.strategies.start.decide(now)
        self.next_check = verdict.next_check
        if verdict.decision is Start.START:
            self._open_spoken_turn(now)
        else:
            self.input.drop_old_audio()

    def _open_spoken_turn(self, now: float) -> None:
        opened = self.input.open_turn(now)
        if self.turn and self.config.turn_detection.commit_opens_turn:
            self._make_way(self.turn, now)
        elif self.turn:
            self._cut_off(self.turn, now)
        turn = self.turn = self._spoken_turn(opened, Phase.RECORDING, now)
        self.effects += [
            OpenTurn(turn.id, turn.sequence),
            SpeechStarted(turn.id, turn.audio_from_ms),
            SendAudio(turn.id, opened.pcm),
        ]
        self.decide_end(turn, None, now)

    def _spoken_turn(self, opened: OpenedTurn, phase: Phase, now: float) -> Turn:
        turn = self._make_turn("speech", phase, now)
        turn.audio_from_ms = opened.input_ms
        turn.audio_started_at = opened.audio_started_at
        turn.speech_started_at = opened.speech_started_at
        turn.speech_ended_at = opened.speech_ended_at
        return turn

    def open_typed_turn(self, before: Turn | None, command: SendText, now: float) -> None:
        self._dismiss_contender()
        if before and before.phase in OPEN:
            self._drop(before, now)
        elif before:
            self._cut_off(before, now)
        turn = self.turn = self._make_turn("text", Phase.RESPONDING, now)
        turn.transcript, turn.speech_ended_at = command.text, now
        self.effects.append(TranscriptUpdated(turn.id, command.text, final=True))
        self._respond(turn, self._new_id(), self.config.options, self._context())

    def _make_turn(self, kind: Literal["speech", "text"], phase: Phase, now: float) -> Turn:
        """The next turn, behind the live one if there is one."""
        sequence = self.closed.count + (2 if self.turn else 1)
        return Turn(self._new_id(), sequence, kind, phase, opened_at=now, progress_at=now)

    # The floor: who speaks over a committed turn contends for it, then takes it or is passed over.

    def decide_overlap(self, turn: Turn, event: Input, now: float) -> None:
        contender = self.contender
        if contender and isinstance(event, Frame):
            self._record(contender, now)
        verdict = self.input.strategies.overlap.decide(turn.progress_at_present(now), now)
        self.next_check = verdict.next_check
        match verdict.decision:
            case Overlap.INTERRUPT if contender:
                self._take_floor(contender, now)
            case Overlap.INTERRUPT:
                self._open_spoken_turn(now)
            case Overlap.CONTEST if not contender:
                self._contest_floor(now)
            case Overlap.IGNORE if contender:
                self._pass_over(now)
            case Overlap.IGNORE:
                self.input.discard_speech()
            case Overlap.WAIT:
                self.input.hold_speech()
        if self.turn is turn and not self.contender:
            self.input.drop_old_audio()

    def _contest_floor(self, now: float) -> None:
        opened = self.input.open_turn(now, contends=True)
        contender = self.contender = self._spoken_turn(opened, Phase.CONTENDING, now)
        self.effects += [
            OpenTurn(contender.id, contender.sequence, contends=True),
            FloorContested(contender.id),
            SendAudio(contender.id, opened.pcm),
        ]

    def weigh_words(self, contender: Turn, event: PartialTranscript, now: float) -> None:
        """They are for the strategies, and told if the floor is taken."""
        held = (one for one in contender.held_events if not isinstance(one[0], PartialTranscript))
        contender.held_events = [*held, (event, now)]
        self.input.on_transcript(event.text, now, final=False)
        if self.turn:
            self.decide_overlap(self.turn, event, now)

    def hold_event(
        self, contender: Turn, event: StageFailed | ProviderSwitched, now: float
    ) -> None:
        """A contender that is not understood may take the floor all the same."""
        contender.held_events.append((event, now))

    def _take_floor(self, contender: Turn, now: float) -> None:
        self.contender = None
        if self.turn:
            self._cut_off(self.turn, now)
        self._give_floor(contender, now)

    def _give_floor(self, turn: Turn, now: float) -> None:
        """What contended becomes the open turn, with all that was said and understood."""
        self.turn, self.contender = turn, None
        turn.phase, turn.sequence, turn.progress_at = Phase.RECORDING, self.closed.count + 1, now
        self.input.give_floor()
        self.effects += [GiveFloor(turn.id), SpeechStarted(turn.id, turn.audio_from_ms)]
        self._release_held(turn, now)
        if self.turn is turn:
            self.decide_end(turn, None, now)

    def _pass_over(self, now: float) -> None:
        """Who contends does not want the floor: the reply goes on."""
        if self.contender and self.turn:
            self._dismiss_contender()
            self._release_held(self.turn, now)

    def _dismiss_contender(self) -> None:
        """Nothing is left of who contends."""
        if self.contender:
            contender, self.contender = self.contender, None
            self.input.close_turn()
            self.effects += [DropTurn(contender.id), FloorKept(contender.id)]

    def _settle_contest(self, now: float) -> None:
        """The live turn has ended: there is nothing left to contend for."""
        if self.contender and self.input.strategies.overlap.outlives_reply():
            self._give_floor(self.contender, now)
        else:
            self._dismiss_contender()

    def _release_held(self, turn: Turn, now: float) -> None:
        """What was held of the live turn goes its way, as if it came now."""
        events, turn.held_events = turn.held_events, []
        for event, at in events:
            if self.turn is not turn:
                return
            match event:
                case FinalTranscript():
                    self.note_transcript(turn, event, at)
                case PartialTranscript():
                    self.note_partial(turn, event, at)
                case ProviderSwitched():
                    self.note_switch(turn, event, at)
                case StageFailed():
                    self.fail_turn(turn, event, now)
                case _:
                    self.on_reply_event(turn, event, at)
        turn.progress_at = now

    # The open turn.

    def record_frame(self, turn: Turn, frame: Frame, now: float) -> None:
        self._record(turn, now)
        self.decide_end(turn, frame, now)

    def _record(self, turn: Turn, now: float) -> None:
        self.effects.append(SendAudio(turn.id, self.input.pop_audio()))
        if not self.input.speech.silence_ms:
            turn.speech_ended_at = now
            if turn.speech_started_at is None:
                turn.speech_started_at = self.input.speech.run_started_at

    def note_partial_of_open_turn(self, turn: Turn, event: PartialTranscript, now: float) -> None:
        if turn.speech_started_at is None or now - turn.speech_started_at >= FIRST_WORDS_S:
            self.note_partial(turn, event, now)
        self.input.on_transcript(event.text, now, final=False)
        self.decide_end(turn, event, now)

    def decide_end(self, turn: Turn, event: Input | None, now: float) -> None:
        verdict = self.input.strategies.end.decide(now)
        self.next_check = verdict.next_check
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
            turn.phase, turn.reply = Phase.PREPARING, self._new_reply()
            order = (turn.id, turn.reply.id, self._context(), self.config.options)
            self.effects.append(FlushTurn(*order, goes_on=self._goes_on))

    def hold_eager_event(self, turn: Turn, event: ReplyEvent | FinalTranscript, now: float) -> None:
        if event.reply_id is None:
            return  # a transcript of the flush names its reply; another may lack what follows
        turn.held_events.append((event, now))
        if isinstance(event, FinalTranscript):
            self.input.on_transcript(event.text, now, final=True)
            self.decide_end(turn, event, now)

    def _discard_eager_reply(self, turn: Turn) -> None:
        assert turn.reply is not None
        self.effects.append(CancelReply(turn.id, turn.reply.id))
        turn.reply = None
        turn.held_events.clear()

    def commit_open_turn(self, turn: Turn, command: CommitTurn, now: float) -> None:
        self._commit(turn, now, command.respond)

    def commit_buffer(self, before: Turn | None, command: CommitTurn, now: float) -> None:
        if self.contender:
            self._take_floor(self.contender, now)
        elif self.config.turn_detection.commit_opens_turn and self.input.has_audio:
            self._open_spoken_turn(now)
        else:
            self.effects.append(NO_SPEECH)
            return
        if self.turn and self.turn.phase in OPEN:
            self._commit(self.turn, now, command.respond)

    def _commit(self, turn: Turn, now: float, respond: bool | None = None) -> None:
        turn.phase, turn.progress_at, self.next_check = Phase.TRANSCRIBING, now, None
        turn.latency["end_of_turn_delay"] = turn.since_speech(now)
        self.input.close_turn(kept=True)
        self.effects += self.out_of_band.on_commit(now)
        spoken_until = self.input.speech.last_speech_input_ms
        self.effects.append(SpeechEnded(turn.id, at_ms=spoken_until))
        if not (self.config.respond_when == "always" if respond is None else respond):
            if turn.reply:
                self._discard_eager_reply(turn)
            self.effects.append(TranscribeTurn(turn.id))
            return
        flushed = turn.reply is not None
        reply = turn.reply = turn.reply or self._new_reply()
        order = (turn.id, reply.id, self._context(), flushed, self.config.options)
        self.effects.append(EndTurn(*order, goes_on=self._goes_on))
        self._release_held(turn, now)

    def clear_audio(self, turn: Turn | None, command: ClearAudio, now: float) -> None:
        self._pass_over(now)
        if turn and turn.phase in OPEN:
            self._drop(turn, now)
        self.input.clear_audio()

    # The transcript, and requests for a reply.

    def note_partial(self, turn: Turn, event: PartialTranscript, now: float) -> None:
        turn.progress_at = now
        self.effects.append(TranscriptUpdated(turn.id, event.text, final=False))

    def note_transcript(self, turn: Turn, event: FinalTranscript, now: float) -> None:
        if turn.transcript is not None:
            return
        turn.progress_at, turn.transcript = now, event.text
        turn.latency["transcription_delay"] = turn.since_speech(now)
        self.effects.append(TranscriptUpdated(turn.id, event.text, final=True))
        if turn.reply:
            self.effects += reply_events.announce(turn, turn.reply)
            self._enter_phase_of_reply(turn, turn.reply)
        elif turn.requested:
            self._reply_to_turn(turn, turn.requested, late_words=event.text)
        elif self.config.respond_when == "never":
            self._end(turn, "heard", now)
        else:
            turn.phase = Phase.AWAITING_REQUEST

    def note_late_transcript(self, turn: Turn, event: FinalTranscript, now: float) -> None:
        """A turn that was talked over while it was transcribed: its words still count."""
        if turn.transcript is None:
            turn.transcript = event.text
            self.effects.append(TranscriptUpdated(turn.id, event.text, final=True))
            self._amend(turn)

    def request_reply(self, turn: Turn, request: CreateResponse, now: float) -> None:
        if turn.reply:
            contender, self.contender = self.contender, None
            self._make_way(turn, now)
            self.reply_to_context(None, request, now)
            self.contender = contender  # for the next reply's floor
            return
        turn.requested, turn.progress_at = request, now
        if turn.transcript is not None:
            self._reply_to_turn(turn, request)

    def _reply_to_turn(self, turn: Turn, request: CreateResponse, late_words: str = "") -> None:
        """``late_words``: the transcript, where it came after the request: a client that keeps the
        context itself does not have it there yet."""
        context, late = request.context, bool(late_words) and request.append_transcript
        if context is None:
            context = self._context()
            late = late and self._client_context is not None
        if late:
            context = (*context, Message("user", late_words))
        self._respond(turn, request.reply_id, request.options or self.config.options, context)

    def reply_to_context(self, before: None, request: CreateResponse, now: float) -> None:
        context = self._context() if request.context is None else request.context
        turn = self.turn = self._make_turn("text", Phase.RESPONDING, now)
        last = context[-1] if context else None
        turn.transcript = last.content if last and last.role == "user" else ""
        turn.speech_ended_at = now
        self._respond(turn, request.reply_id, request.options or self.config.options, context)

    def _respond(
        self, turn: Turn, reply_id: UUID, options: ResponseOptions, context: tuple[Message, ...]
    ) -> None:
        reply = turn.reply = self._new_reply(reply_id)
        turn.phase, spoken = Phase.RESPONDING, turn.kind == "speech"
        self.effects += reply_events.announce(turn, reply)
        order = Respond(turn.id, turn.sequence, reply.id, context, options, spoken)
        self.effects.append(order)

    def _new_reply(self, reply_id: UUID | None = None) -> Reply:
        return Reply(reply_id or self._new_id(), is_reported=self._client_reports)

    def _context(self) -> tuple[Message, ...]:
        client, turn = self._client_context, self.turn
        context = client() if client else self.closed.messages(turn)
        if turn:
            turn.context = context
        return context

    @property
    def _goes_on(self) -> bool:
        """Whether the words of the turn that is asked about join the last ones of its context."""
        return self._client_context is None and self.closed.goes_on

    # The reply comes, is sent and played.

    def on_reply_event(self, turn: Turn, event: EngineEvent, now: float) -> None:
        if turn.reply is None:
            return
        if self.contender and turn.phase is not Phase.SPEAKING:
            turn.held_events.append((event, now))
            turn.progress_at = now
            return
        self.effects += reply_events.on_event(turn, turn.reply, event, now)
        if turn.reply.silent:
            self._end(turn, "failed" if turn.error else "played", now)
        else:
            self._enter_phase_of_reply(turn, turn.reply)

    @staticmethod
    def _enter_phase_of_reply(turn: Turn, reply: Reply) -> None:
        if reply.audio_ms > 0:
            turn.phase = Phase.SPEAKING
        elif reply.announced:
            turn.phase = Phase.RESPONDING

    def note_audio_sent(self, turn: Turn, command: AudioSent, now: float) -> None:
        if turn.reply is None:
            return
        last = command.last
        self.effects += reply_events.on_audio_sent(turn, turn.reply, now, last=last)
        if last and turn.reply.is_over:
            self._end_playback(turn, turn.reply, now)

    def note_playback(self, turn: Turn, report: PlaybackReport, now: float) -> None:
        if turn.reply is None:
            return
        self._client_reports |= not report.ended
        late_facts.note_playback(turn, turn.reply, report, now)
        if turn.phase is Phase.CLOSED:
            self._correct_heard(turn, turn.reply, report, now)
        elif turn.reply.is_over:
            self._end_playback(turn, turn.reply, now)
        else:
            self._note_playback(turn, turn.reply, now)

    def _end_playback(self, turn: Turn, reply: Reply, now: float) -> None:
        """The client plays no more of the reply."""
        if turn.error:
            self._end(turn, "failed", now)
        elif reply.is_whole(reply.heard_ms(now, carried_on=False)):
            self._end(turn, "played", now)
        else:
            self._end(turn, "stopped", now)

    def _note_playback(self, turn: Turn, reply: Reply, now: float) -> None:
        heard_ms = reply.heard_ms(now, carried_on=False)
        if abs(heard_ms - turn.noted_ms) >= NOTED_EVERY_MS:
            turn.noted_ms = heard_ms
            self.effects.append(NotePlayback(turn.id, heard_ms, reply.heard_text(heard_ms)))

    def _correct_heard(self, turn: Turn, reply: Reply, report: PlaybackReport, now: float) -> None:
        """A report of a closed turn's playback: what is on record may be an estimate. The last one
        counts, and of those before only enough to be near the truth, should no last one come."""
        heard_ms = reply.heard_ms(now, carried_on=False)
        if not report.ended and abs(heard_ms - (turn.heard_ms or 0)) < CORRECTED_FROM_MS:
            return
        told = turn.heard_ms, turn.end_reason
        turn.heard_ms = heard_ms
        if report.ended and turn.end_reason == "played" and not reply.is_whole(heard_ms):
            turn.end_reason = "stopped"  # it was taken to be played by the clock alone
        self._amend(turn)
        if told != (turn.heard_ms, turn.end_reason):
            self._tell_heard(turn, reply)

    def interrupt_reply(self, turn: Turn, command: InterruptReply, now: float) -> None:
        if turn.requested and not turn.reply:
            reply_id, turn.requested = turn.requested.reply_id, None
            self.effects.append(ReplyInterrupted(turn.id, reply_id, 0, ""))
        else:
            self._end(turn, command.how if turn.reply else "heard", now, command.heard_ms)
            if turn.reply and not ENDINGS[command.how].cancels_reply:
                self.effects.append(CancelReply(turn.id, turn.reply.id, turn.heard_ms or 0))

    def expire(self, turn: Turn, tick: Tick, now: float) -> None:
        if now < next_timeout(turn):
            return
        reply = turn.reply
        if turn.phase is Phase.AWAITING_REQUEST:
            self._end(turn, "heard", now)
        elif reply and reply.all_sent and reply.reported_ms is None and not reply.is_reported:
            self._end(turn, "failed" if turn.error else "played", now)
        elif reply and (turn.audible or reply.complete):
            self._end(turn, "timeout", now)
        else:
            self._fail(turn, _no_progress(turn, turn.reply_id), now)

    # What is learnt beside.

    def note_metric(self, turn: Turn, event: MetricMeasured, now: float) -> None:
        if late_facts.note_metric(turn, event):
            self._amend(turn)

    def note_switch(self, turn: Turn, event: ProviderSwitched, now: float) -> None:
        turn.fallbacks += (event,)
        self.effects.append(event)
        self._amend(turn)

    def note_usage(self, turn: Turn, event: UsageReported, now: float) -> None:
        late_facts.note_usage(turn, event, self.closed.estimate)
        self.effects.append(event)

    def _amend(self, turn: Turn) -> None:
        """A closed turn is archived again, with what was learnt since."""
        if turn.phase is Phase.CLOSED:
            self.effects.append(CloseTurn(turn.record(self._started_at)))

    # Failures.

    def fail_turn(self, turn: Turn, event: StageFailed, now: float) -> None:
        failure = Failure(**asdict(event))
        if event.stage == "archive" or event.code == "audio_dropped":
            self.effects.append(failure)
        elif turn.held_events and turn.phase in COMMITTED:
            turn.held_events.append((event, now))  # behind what came before it
        else:
            self._fail(turn, failure, now)

    def report_failed_archive(self, turn: Turn | None, event: StageFailed, now: float) -> None:
        if event.stage == "archive":
            self.effects.append(Failure(**asdict(event)))

    def lose_engine(self, turn: Turn | None, event: EngineLost, now: float) -> None:
        self._dismiss_contender()
        if turn:
            why = (event.code, event.message, event.retryable)
            self._fail(turn, Failure(*why, "realtime", event.provider, turn.id, turn.reply_id), now)
        self.effects.append(event)

    def _fail(self, turn: Turn, failure: Failure, now: float) -> None:
        """Give this turn up; what has come of the reply may still be played."""
        if failure.code == "no_speech":
            self._drop(turn, now)
            self.effects.append(failure)
            if turn.requested and self.turn:
                overtaken = ReplyInterrupted(turn.id, turn.requested.reply_id, 0, "")
                self.effects.append(overtaken)
            elif turn.requested:
                self.reply_to_context(None, turn.requested, now)
            return
        if turn.reply and turn.reply.complete:
            return  # everything came before the failure: nothing is missing
        if turn.phase in OPEN:
            self.input.close_turn()
            self.effects.append(SpeechEnded(turn.id))
        if turn.requested:
            failure = replace(failure, reply_id=turn.reply_id)
        turn.error = failure
        reply = turn.reply = turn.reply or self._new_reply(turn.reply_id)
        heard_ms = reply.heard_ms(now, carried_on=True)
        self.effects += [failure, CancelReply(turn.id, reply.id, heard_ms)]
        if reply.audio_ms == 0:
            self._end(turn, "failed", now)
            return
        reply.complete = True
        number = max(reply.sentences, default=0)
        self.effects.append(PlayAudio(turn.id, reply.id, LAST_SEQUENCE, number, b"", last=True))

    # The end of a turn.

    def _drop(self, turn: Turn, now: float) -> None:
        """End a turn that came to nothing."""
        if turn.phase is Phase.PREPARING:
            self._discard_eager_reply(turn)
        if turn.phase in OPEN:
            self.effects.append(SpeechEnded(turn.id, kept=False))
        if not self.contender:
            self.input.close_turn()
        self._end(turn, "dropped", now)

    def _cut_off(self, turn: Turn, now: float) -> None:
        """End a committed turn because the next one starts."""
        if turn.reply is None:
            self._end(turn, "heard", now)
        else:
            self._end(turn, "interrupted" if turn.audible else "superseded", now)

    def _make_way(self, turn: Turn, now: float) -> None:
        """End a committed turn because the client starts another one by a command: a reply that has
        been sent whole counts as played."""
        if turn.reply and turn.reply.all_sent:
            how: Ending = "failed" if turn.error else "played"
            self._end(turn, how, now, round(turn.reply.audio_ms))
        else:
            self._cut_off(turn, now)

    def _end(self, turn: Turn, how: Ending, now: float, told_ms: int | None = None) -> None:
        """The one way in which a turn ends. ``told_ms``: how much of its reply was heard, where the
        client has said so together with what ends it; else that is found out as ``ENDINGS`` says.
        """
        self._close(turn, how, now, told_ms)
        self._settle_contest(now)

    def _close(self, turn: Turn, how: Ending, now: float, told_ms: int | None) -> None:
        # What a tool did is done, though the reply that asked for it is not let out any more.
        turn.tools += [event for event, _ in turn.held_events if isinstance(event, ToolInvoked)]
        turn.held_events.clear()
        ending = ENDINGS[how]
        heard_ms = _heard_ms(turn.reply, ending, now, told_ms)
        turn.phase, turn.heard_ms, turn.end_reason = Phase.CLOSED, heard_ms, ending.end_reason
        self.turn = self.next_check = None
        if ending.news is ReplyInterrupted and turn.reply_id:
            heard = (heard_ms or 0, turn.heard_text(), dict(turn.latency))
            self.effects.append(ReplyInterrupted(turn.id, turn.reply_id, *heard))
        if ending.cancels_reply and turn.reply:
            self.effects.append(CancelReply(turn.id, turn.reply.id, heard_ms or 0))
        if ending.end_reason is None:
            self.effects.append(DropTurn(turn.id))
            return
        self.closed.add(turn)
        self.effects.append(CloseTurn(turn.record(self._started_at)))
        if turn.reply:
            self._tell_heard(turn, turn.reply)
        if turn.ends_session and how == "played":
            self.effects.append(SessionFinished("ended_by_agent"))

    def _tell_heard(self, turn: Turn, reply: Reply) -> None:
        assert turn.end_reason is not None
        if reply.announced:
            heard = (turn.heard_ms or 0, turn.heard_text(), turn.end_reason)
            self.effects.append(ReplyHeard(turn.id, reply.id, *heard))

    def hang_up(self, turn: Turn | None, command: HangUp, now: float) -> None:
        """The stages of a committed turn whose client is gone go on: its record stays whole."""
        self.effects += self.out_of_band.cancel_all()
        self._dismiss_contender()
        if turn is None:
            return
        if turn.phase in OPEN:
            self._drop(turn, now)
        elif turn.reply is None:
            self._end(turn, "heard", now)
        else:
            self._end(turn, HANG_UPS.get(command.reason, "session_ended"), now)

    # Replies out of band.

    def start_out_of_band(self, turn: Turn | None, request: CreateResponse, now: float) -> None:
        context = self._context() if request.context is None else request.context
        options = request.options or self.config.options
        self.effects += self.out_of_band.start(self._new_id(), request, context, options, now)

    def on_out_of_band_event(self, turn: None, event: ReplyEvent, now: float) -> None:
        self.effects += self.out_of_band.on_event(event.reply_id, event, now)

    def on_out_of_band_sent(self, turn: None, command: AudioSent, now: float) -> None:
        last = command.last
        self.effects += self.out_of_band.on_audio_sent(command.reply_id, now, last=last)

    def interrupt_out_of_band(self, turn: None, command: InterruptReply, now: float) -> None:
        assert command.reply_id is not None
        self.effects += self.out_of_band.interrupt(command.reply_id, now)

    def fail_out_of_band(self, turn: None, event: StageFailed, now: float) -> None:
        assert event.reply_id is not None
        self.effects += self.out_of_band.fail(event.reply_id, Failure(**asdict(event)))

    # Without an input.

    def reconfigure(self, config: ConversationConfig, now: float) -> None:
        before, self.config, self.closed.config = self.config, config, config
        was = (before.turn_detection, before.barge_in)
        if was != (config.turn_detection, config.barge_in):
            self._pass_over(now)
            self.input.configure(config.turn_detection, barge_in=config.barge_in)

    def release_engine(self, now: float) -> None:
        turn = self.turn
        self._dismiss_contender()
        if turn and turn.phase in OPEN:
            self._drop(turn, now)
        elif turn and turn.reply:
            self._end(turn, "mode_changed", now)
        elif turn:
            self._end(turn, "heard", now)

    def fail_overdue_out_of_band(self, now: float) -> None:
        for reply_id in self.out_of_band.overdue(now):
            failure = _no_progress(None, reply_id)
            self.effects += self.out_of_band.fail(reply_id, failure, is_overdue=True)


def _heard_ms(
    reply: Reply | None, ending: TurnEnding, now: float, told_ms: int | None
) -> int | None:
    """How much of the reply was heard; None: there was none, or that is no matter."""
    if reply is None or ending.heard == "nothing":
        return None
    if told_ms is not None:
        return min(told_ms, round(reply.audio_ms))
    return reply.heard_ms(now, carried_on=ending.heard == "by now")


def _no_progress(turn: Turn | None, reply_id: UUID | None) -> Failure:
    return Failure(
        "turn_timeout",
        "Nothing came back for this turn. Please say it again.",
        retryable=True,
        stage="stt" if turn and turn.transcript is None else "llm",
        turn_id=turn.id if turn else None,
        reply_id=reply_id,
    )
