"""The heart of Parley: who may speak now, when a turn has ended, what was heard of a reply.

Sans-IO: signals and times go in, a list of effects comes out, in the order in which they are to
be carried out. It knows no socket, no engine and no clock; every deadline is a ``WakeAt``.

    hear(frame)  command(…)  stage_event(…)  tick()
          \\          |            |          /
                 Conversation            ->  [OpenTurn, SendAudio, StatusChanged, Play, WakeAt, …]

A turn goes: opened (somebody speaks) → committed (they have finished) → answered (reply text and
audio come) → closed (it was played, or cut off, or failed). At most one turn is alive at a time:
a new one closes the one before. The status that a client sees is derived from that turn alone.

Where turns are not answered by themselves, a committed one waits for somebody to ask (``Answer``);
an answer may also come to the context alone, or beside the conversation (``Asides``).
"""

from __future__ import annotations

from uuid import UUID

from interaction.core import reply_events
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
from interaction.core.course import Course
from interaction.core.events import (
    EngineEvent,
    EngineLost,
    EngineSpeechStarted,
    EngineSpeechStopped,
    FinalTranscript,
    PartialTranscript,
    StageFailed,
)
from interaction.core.late_facts import Fact
from interaction.core.news import (
    Failure,
    ReplyInterrupted,
    SpeechStarted,
    StatusChanged,
    TranscriptUpdated,
)
from interaction.core.orders import Effect, FlushTurn, OpenTurn, SendAudio, StreamAudio, WakeAt
from interaction.core.reply import Reply
from interaction.core.timeouts import next_timeout
from interaction.core.turn import Turn
from interaction.core.types import INPUT_SAMPLE_RATE, Frame, Message, Status

_NO_SPEECH = Failure(
    "no_speech",
    "No speech was heard. Check the microphone, then try again.",
    retryable=True,
    stage="stt",
)


class TurnMachine(Course):
    """One person's conversation. Not thread-safe; every call returns what is to be done."""

    # What goes in.

    def hear(self, frame: Frame, now: float) -> list[Effect]:
        """The next 32 ms from the microphone."""
        self._gate.hear(frame, now)
        if self._engine_finds_turns():
            self._effects.append(StreamAudio(frame.pcm))
        turn = self._turn
        if turn and not turn.committed:
            self._hear_open_turn(turn, now)
        elif self._holds():
            self._hold(turn, now)
        elif turn and not (self._may_interrupt() or self._waits(turn)):
            self._gate.skip_speech()
            self._gate.forget_old()
        elif self._engine_finds_turns():
            self._gate.forget_old()
        elif self._gate.onset(during_reply=bool(turn and turn.audible)):
            self._open_turn(now)
        else:
            self._gate.forget_old()
        return self._done(now)

    def command(self, command: Command, now: float) -> list[Effect]:
        """Something the client asked for or reported."""
        match command:
            case SendText(text):
                self._say(text, now)
            case CommitTurn(respond):
                self._commit_by_hand(now, respond)
            case ClearAudio():
                self._clear()
            case CreateResponse():
                self._answer(command, now)
            case InterruptReply(heard_ms, reply_id):
                self._interrupt(reply_id, heard_ms, now)
            case PlaybackReport():
                self._playback(command, now)
            case AudioSent(reply_id, last) if reply_id in self._asides:
                self._effects += self._asides.left(reply_id, now, last=last)
            case AudioSent(reply_id, last):
                self._audio_left(reply_id, last, now)
            case HangUp():
                self._hang_up(now)
        return self._done(now)

    def stage_event(self, event: EngineEvent, now: float) -> list[Effect]:
        """News from the engine. What belongs to no live turn or reply is dropped."""
        turn = self._turn
        reply_id: UUID | None = getattr(event, "reply_id", None)
        if isinstance(event, StageFailed):
            self._stage_failed(event, now)
        elif reply_id and reply_id in self._asides:
            self._effects += self._asides.take(reply_id, event, now)
        elif isinstance(event, Fact):
            self._effects += self._facts.take(event, turn)
        elif isinstance(event, EngineSpeechStarted | EngineSpeechStopped | EngineLost):
            self._engine_says(event, now)
        elif turn and turn.reply and reply_id == turn.reply.id and not turn.committed:
            turn.held.append((event, now))
        elif isinstance(event, FinalTranscript):
            self._transcribed(event, now)
        elif turn and turn.reply and reply_id == turn.reply.id:
            self._reply_event(turn, turn.reply, event, now)
        elif turn and isinstance(event, PartialTranscript) and event.turn_id == turn.id:
            turn.progress_at = now
            self._effects.append(TranscriptUpdated(turn.id, event.text, final=False))
        return self._done(now)

    def tick(self, now: float) -> list[Effect]:
        """A wake that was asked for (an early or a late one does no harm)."""
        self._wake = None
        for reply_id in self._asides.overdue(now):
            self._effects += self._asides.fail(reply_id, _no_progress(None, reply_id))
        turn = self._turn
        if turn is None or now < self._deadline(turn):
            return self._done(now)
        if not turn.committed:
            self._commit(turn, now)
        elif turn.reply is None and turn.transcript is not None:
            self._close(turn, "heard")
        elif turn.reply and turn.reply.all_left and turn.reply.reported_ms is None:
            self._close_played(turn, turn.reply.heard_ms(now))
        elif turn.audible:
            self._cut_off(turn, "timeout", now)
        else:
            self._fail(turn, _no_progress(turn, turn.reply_id), now)
        return self._done(now)

    def said(self) -> tuple[Message, ...]:
        """What was said so far, as far as the context reaches; without the system prompt."""
        return tuple(m for m in self._past.context(None) if m.role != "system")

    def reconfigure(self, config: ConversationConfig) -> None:
        """Change how it is led while it runs; this holds from the next frame on."""
        self.config = config
        self._past.config = config
        self._gate.detection = config.turn_detection

    def abandon(self, now: float) -> list[Effect]:
        """Another engine takes over: nothing more comes for the turn that is alive."""
        if turn := self._turn:
            if turn.committed:
                self._cut_off(turn, "superseded", now)
            else:
                self._drop(turn)
        return self._done(now)

    # The user's side: opening and ending a turn.

    def _may_interrupt(self) -> bool:
        """A committed turn may be talked over, unless the person switched that off."""
        return self.config.barge_in or self._is_manual()

    def _waits(self, turn: Turn) -> bool:
        """It is not being answered, and will not be unless somebody asks."""
        return turn.reply is None and turn.asked is None and self.config.respond_when != "always"

    def _is_manual(self) -> bool:
        return self.config.turn_detection.kind == "manual"

    def _holds(self) -> bool:
        return self.config.turn_detection.kind == "none"

    def _engine_finds_turns(self) -> bool:
        return self.config.turn_detection.kind in ("server", "semantic")

    def _engine_says(
        self, event: EngineSpeechStarted | EngineSpeechStopped | EngineLost, now: float
    ) -> None:
        turn = self._turn
        match event:
            case EngineSpeechStarted() if turn is None or (
                turn.committed and self._may_interrupt()
            ):
                self._open_turn(now)
            case EngineSpeechStopped() if turn and not turn.committed:
                self._commit(turn, now)
            case EngineLost(provider, code, message, retryable):
                if turn:
                    where = (provider, turn.id, turn.reply_id)
                    failed = Failure(code, message, retryable, "realtime", *where)
                    self._fail(turn, failed, now)
                self._effects.append(event)

    def _hold(self, turn: Turn | None, now: float) -> None:
        """Whoever speaks while nobody answers is listened to at once: the words are there sooner
        when the commit comes."""
        self._gate.hold()
        respond_when = turn is not None and not (turn.reply and turn.reply.all_left)
        if self._gate.holds_speech and not respond_when:
            self._open_turn(now)

    def _open_turn(self, now: float) -> None:
        turn, gate = self._turn, self._gate
        held = self._holds()
        if held and turn and turn.reply and turn.reply.all_left:
            self._close_played(turn, round(turn.reply.audio_ms))
        elif turn:
            self._cut_off(turn, "interrupted", now)
        turn = self._begin("speech", now)
        spoke_at = None if held and not gate.holds_speech else gate.last_speech_at
        turn.speech_ended_at = spoke_at or now
        pre_roll = gate.pre_roll()
        began_ms = gate.heard_ms - 1000 * len(pre_roll) // 2 // INPUT_SAMPLE_RATE
        self._effects += [
            OpenTurn(turn.id, turn.sequence),
            SpeechStarted(turn.id, began_ms),
            SendAudio(turn.id, pre_roll),
        ]

    def _hear_open_turn(self, turn: Turn, now: float) -> None:
        gate, detection = self._gate, self.config.turn_detection
        if pcm := gate.take():
            self._effects.append(SendAudio(turn.id, pcm))
        if gate.speaking:
            turn.speech_ended_at = now
            if turn.reply:
                self._discard_eager_reply(turn)
        if detection.kind != "vad":
            return
        if gate.quiet_for(detection.silence_ms):
            self._commit(turn, now)
        elif detection.eager_silence_ms and gate.quiet_for(detection.eager_silence_ms):
            self._prepare_reply(turn)

    def _prepare_reply(self, turn: Turn) -> None:
        if turn.reply is None and self.config.respond_when == "always":
            turn.reply = Reply(self._new_id())
            order = (turn.id, turn.reply.id, self._context(), self.config.options)
            self._effects.append(FlushTurn(*order))

    def _commit_by_hand(self, now: float, respond: bool | None) -> None:
        if self._holds() and self._gate.holds_audio:
            self._open_turn(now)
        turn = self._turn
        if turn is None or turn.committed:
            self._effects.append(_NO_SPEECH)
        else:
            self._commit(turn, now, respond)

    def _clear(self) -> None:
        if self._turn and not self._turn.committed:
            self._drop(self._turn)
        self._gate.forget()

    def _say(self, text: str, now: float) -> None:
        if self._turn:
            if self._turn.committed:
                self._cut_off(self._turn, "interrupted", now)
            else:
                self._drop(self._turn)
        turn = self._begin("text", now)
        turn.committed, turn.transcript, turn.speech_ended_at = True, text, now
        reply = turn.reply = Reply(self._new_id())
        self._effects += [
            TranscriptUpdated(turn.id, text, final=True),
            *reply_events.begin(turn, reply),
            self._respond(turn, reply, self.config.options, self._context()),
        ]

    # Answers that somebody asks for.

    def _answer(self, asked: CreateResponse, now: float) -> None:
        turn = self._turn
        if asked.out_of_band or (turn and not turn.committed):
            context = self._context() if asked.context is None else asked.context
            options = asked.options or self.config.options
            ids = (self._new_id(), asked.reply_id)
            hasty = not asked.out_of_band
            self._effects += self._asides.begin(*ids, context, options, now, hasty=hasty)
        elif turn and turn.reply is None:
            turn.asked, turn.progress_at = asked, now
            if turn.transcript is not None:
                self._answer_turn(turn, asked)
        else:
            if turn and turn.reply and turn.reply.all_left:
                self._close_played(turn, round(turn.reply.audio_ms))
            elif turn:
                self._cut_off(turn, "interrupted", now)
            self._answer_context(asked, now)

    # The agent's side: a reply comes, is played, ends.

    def _interrupt(self, reply_id: UUID | None, heard_ms: int | None, now: float) -> None:
        turn = self._turn
        if reply_id and reply_id in self._asides:
            self._effects += self._asides.stop(reply_id, now)
        elif turn and turn.committed and reply_id in (None, turn.reply_id):
            if turn.asked and not turn.reply:
                self._effects.append(ReplyInterrupted(turn.id, turn.asked.reply_id, 0, ""))
                turn.asked = None
            else:
                self._cut_off(turn, "interrupted", now, heard_ms)

    def _hang_up(self, now: float) -> None:
        """The client is gone. The stages of a committed turn go on: its record stays whole."""
        self._effects += self._asides.end()
        turn = self._turn
        if turn is None:
            return
        if not turn.committed:
            self._drop(turn)
            return
        if turn.reply is None:
            self._close(turn, "heard")
            return
        turn.heard_ms = turn.reply.heard_ms(now)
        self._close(turn, "client_left")

    # Failures.

    def _stage_failed(self, event: StageFailed, now: float) -> None:
        failed = Failure(
            event.code,
            event.message,
            event.retryable,
            event.stage,
            event.provider,
            event.turn_id,
            event.reply_id,
        )
        if event.reply_id and event.reply_id in self._asides:
            self._effects += self._asides.fail(event.reply_id, failed)
            return
        turn = self._turn
        ours = turn is not None and turn.id == event.turn_id
        if event.reply_id and turn and turn.reply and turn.reply.id != event.reply_id:
            return  # a reply that was discarded: nobody waits for it
        if turn and ours and event.stage != "archive" and event.code != "audio_dropped":
            self._fail(turn, failed, now)
        elif event.stage == "archive" or ours:
            self._effects.append(failed)

    # What comes out.

    def _done(self, now: float) -> list[Effect]:
        turn = self._turn
        status: Status = turn.status if turn else "listening"
        if status != self._status:
            self._status = status
            self._effects.append(StatusChanged(status))
        looks = [self._deadline(turn)] if turn else []
        if (out_of_band := self._asides.next_look()) is not None:
            looks.append(out_of_band)
        if looks and (self._wake is None or min(looks) < self._wake):
            self._wake = min(looks)
            self._effects.append(WakeAt(self._wake))
        effects, self._effects = self._effects, []
        return effects

    def _deadline(self, turn: Turn) -> float:
        return next_timeout(turn, self.config.turn_detection, self._gate.last_frame_at)


def _no_progress(turn: Turn | None, reply_id: UUID | None) -> Failure:
    return Failure(
        "turn_timeout",
        "Nothing came back for this turn. Please say it again.",
        retryable=True,
        stage="stt" if turn and turn.transcript is None else "llm",
        turn_id=turn.id if turn else None,
        reply_id=reply_id,
    )
