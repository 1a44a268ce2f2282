"""Replies that are no part of the conversation: they interrupt nothing and are not archived."""

from __future__ import annotations

from uuid import UUID

from interaction.core import reply_events
from interaction.core.commands import CreateResponse
from interaction.core.events import EngineEvent
from interaction.core.news import Failure, ReplyInterrupted
from interaction.core.orders import CancelReply, Effect, Respond
from interaction.core.reply import Reply
from interaction.core.timeouts import NO_PROGRESS_S
from interaction.core.turn import Phase, Turn
from interaction.core.types import Message, ResponseOptions


class OutOfBandReplies:
    """Also replies to the conversation itself that were requested while a turn was open: the commit
    of that turn cancels them. Nothing else but the client interrupts a reply here."""

    def __init__(self) -> None:
        self._turns: dict[UUID, Turn] = {}
        """By reply id. A turn here only holds its reply and the request for it."""

    def start(
        self,
        turn_id: UUID,
        request: CreateResponse,
        context: tuple[Message, ...],
        options: ResponseOptions,
        now: float,
    ) -> list[Effect]:
        reply = Reply(request.reply_id)
        turn = Turn(turn_id, 0, "text", Phase.OUT_OF_BAND, opened_at=now, progress_at=now)
        turn.speech_ended_at, turn.reply, turn.requested = now, reply, request
        self._turns[reply.id] = turn
        return [
            *reply_events.announce(turn, reply),
            Respond(turn_id, 0, reply.id, context, options, out_of_band=True),
        ]

    def __contains__(self, reply_id: object) -> bool:
        return reply_id in self._turns

    def on_event(self, reply_id: UUID, event: EngineEvent, now: float) -> list[Effect]:
        turn, reply = self._of(reply_id)
        news = reply_events.on_event(turn, reply, event, now)
        if reply.silent:
            del self._turns[reply_id]
        return [*news]

    def on_audio_sent(self, reply_id: UUID, now: float, *, last: bool) -> list[Effect]:
        turn, reply = self._of(reply_id)
        if last:
            del self._turns[reply_id]
        return [*reply_events.on_audio_sent(turn, reply, now, last=last)]

    def interrupt(self, reply_id: UUID, now: float) -> list[Effect]:
        turn, reply = self._of(reply_id)
        del self._turns[reply_id]
        heard = reply.heard_ms(now, carried_on=True)
        return [
            ReplyInterrupted(turn.id, reply_id, heard, reply.heard_text(heard)),
            CancelReply(turn.id, reply_id, heard),
        ]

    def on_commit(self, now: float) -> list[Effect]:
        """A turn was committed: it is what the conversation's next reply is to."""
        overtaken = [
            reply_id
            for reply_id, turn in self._turns.items()
            if turn.requested and not turn.requested.out_of_band
        ]
        return [effect for reply_id in overtaken for effect in self.interrupt(reply_id, now)]

    def fail(self, reply_id: UUID, failure: Failure, *, is_overdue: bool = False) -> list[Effect]:
        """``is_overdue``: nothing more of it comes, or leaves for the client."""
        turn, reply = self._of(reply_id)
        if reply.complete and not is_overdue:
            return []  # everything came before the failure
        del self._turns[reply_id]
        return [failure, CancelReply(turn.id, reply_id)]

    def overdue(self, now: float) -> list[UUID]:
        """Replies of which nothing has come, or left for the client, for too long."""
        return [reply_id for reply_id, at in self._timeouts() if now >= at]

    def next_timeout(self) -> float | None:
        return min((at for _, at in self._timeouts()), default=None)

    def cancel_all(self) -> list[Effect]:
        """The client is gone."""
        turns, self._turns = self._turns, {}
        return [CancelReply(turn.id, reply_id) for reply_id, turn in turns.items()]

    def _timeouts(self) -> list[tuple[UUID, float]]:
        return [
            (reply_id, self._due_at(turn) + NO_PROGRESS_S) for reply_id, turn in self._turns.items()
        ]

    @staticmethod
    def _due_at(turn: Turn) -> float:
        """When something has come of the reply last; where it is being sent, when that is over at
        the pace of its playback."""
        reply = turn.reply
        if reply is None or reply.first_sent_at is None:
            return turn.progress_at
        return max(turn.progress_at, reply.first_sent_at + reply.audio_ms / 1000)

    def _of(self, reply_id: UUID) -> tuple[Turn, Reply]:
        turn = self._turns[reply_id]
        assert turn.reply is not None
        return turn, turn.reply
