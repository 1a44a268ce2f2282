"""Which turn and which reply an event of the line belongs to. Sans-IO.

A provider that finds the turns answers each of them by itself, ahead of the conversation, which may
not want it: what it says is kept until the turn has ended here too, or another one has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from interaction.providers.realtime_protocol import InputTranscript, RealtimeEvent, ResponseDone
from interaction.realtime.reply import RealtimeReply

MOST_EARLY = 2_000
"""Events of a response that nobody has asked for; whoever has not by then will not."""
MOST_UNASKED = 2
"""Such responses that are kept."""


@dataclass(eq=False)
class _Speech:
    turn: UUID | None = None
    """None while the conversation has opened none for it."""
    words: InputTranscript | None = None
    """Understood before that."""
    reply: RealtimeReply | None = None
    """Asked for before the provider has found its end."""
    dropped: bool = False
    doubtful: bool = False
    """Its audio may have been refused, and then the provider has not counted it."""


@dataclass(eq=False)
class _Response:
    speech: _Speech | None
    reply: RealtimeReply | None = None
    """None while nobody has asked for it."""
    begun: bool = False
    waits: bool = False
    """For the results of tools."""
    over: bool = False
    unwanted: bool = False
    early: list[RealtimeEvent] = field(default_factory=list)


class ResponseMatcher:
    def __init__(self, *, turns_are_ours: bool) -> None:
        self._turns_are_ours = turns_are_ours
        self._responses: list[_Response] = []
        """That come, in the provider's order."""
        self._numbered: list[_Speech] = []
        """The spoken turns of the line, in the order in which they ended."""
        self._found: _Speech | None = None
        """By the provider, which has not found its end."""
        self._untold: list[_Speech] = []
        self._told: _Speech | None = None
        """The last one that the conversation was told of."""
        self._open: _Speech | None = None
        """The conversation's turn that has not ended."""

    # What the provider finds.

    def speech_began(self) -> None:
        self._found = _Speech()
        self._untold.append(self._found)

    def speech_told(self) -> None:
        """The conversation is told of the next one: a turn that it opens now is that one's."""
        self._told = self._untold.pop(0)

    def speech_over(self) -> None:
        speech, self._found = self._found or _Speech(), None
        self._numbered.append(speech)
        response = _Response(speech, speech.reply, unwanted=speech.dropped)
        speech.reply = None
        self._add(response)

    # What the conversation makes of it.

    def opened(self, turn: UUID) -> InputTranscript | None:
        """Return what of it was understood already."""
        told = None if self._turns_are_ours else self._told
        self._open = told or _Speech()
        self._open.turn = turn
        words, self._open.words = self._open.words, None
        return words

    def ended(self, turn: UUID, reply: RealtimeReply) -> list[RealtimeEvent] | None:
        """It is to be answered; return what of that has come already, or None where the provider
        has not found its end."""
        speech = self._open if self._open and self._open.turn == turn else _Speech(turn)
        self._open = None
        if self._turns_are_ours:
            self._numbered = [one for one in self._numbered if not one.doubtful]
            self._numbered.append(speech)
            self._add(_Response(speech, reply))
            return []
        for response in self._responses:
            if response.speech is speech:
                break
        else:
            speech.reply = reply
            return None
        for before in self._responses[: self._responses.index(response)]:
            if before.reply is None:
                self._discard(before)
        response.reply = reply
        early, response.early = response.early, []
        self._tidy()
        return early

    def asked(self, reply: RealtimeReply) -> None:
        """In writing."""
        self._add(_Response(None, reply))

    def dropped(self, turn: UUID) -> None:
        """The turn came to nothing, and so is what answers it."""
        if self._open and self._open.turn == turn:
            self._open.dropped, self._open = True, None
        for response in self._responses:
            if response.speech and response.speech.turn == turn:
                self._discard(response)
        self._tidy()

    def stopped(self, reply: RealtimeReply) -> None:
        """Nothing more of it is wanted. While tools run for it, nothing is to come of it."""
        for response in self._responses:
            if response.reply is reply:
                self._discard(response)
        self._tidy()

    def goes_on(self, reply: RealtimeReply) -> None:
        """Its tools have given their results."""
        for response in self._responses:
            if response.reply is reply:
                self._responses.remove(response)
                response.waits = False
                self._responses.append(response)
                return

    def forget(self) -> UUID | None:
        """The line is lost; return the turn that is lost with it. One of ours is said again."""
        self._responses.clear()
        self._numbered.clear()
        self._found = None
        if self._turns_are_ours or self._open is None:
            return None
        turn, self._open = self._open.turn, None
        return turn

    # Whose it is.

    def reply_of(self, event: RealtimeEvent) -> RealtimeReply | None:
        """Which reply it belongs to; None where it is kept, or nobody's."""
        coming = [one for one in self._responses if not one.over]
        if not coming:
            return None
        response = next((one for one in coming if not one.waits), coming[0])
        if isinstance(event, ResponseDone):
            response.waits = bool(event.calls) and not (event.cut_off or event.error)
            response.over = response.unwanted or not response.waits
            refused = bool(event.error) and not (response.begun or event.usage)
            if response.speech and refused:
                response.speech.doubtful = self._turns_are_ours
        response.begun = True
        if response.reply is None and not response.unwanted:
            response.early.append(event)
            if len(response.early) > MOST_EARLY:
                self._discard(response)
        self._tidy()
        return None if response.unwanted else response.reply

    def turn_of(self, words: InputTranscript) -> UUID | None:
        """Whose they are; None where they are kept, or nobody's."""
        numbered = self._numbered
        while words.turn < len(numbered) - 1 and numbered[words.turn].doubtful:
            del numbered[words.turn]
        numbers = words.turn < len(numbered)
        speech = numbered[words.turn] if numbers else self._found or self._open
        if speech is None:
            return None
        speech.doubtful = False
        if speech.turn is None:
            speech.words = words
        return speech.turn

    def _add(self, response: _Response) -> None:
        """One that nobody has asked for and that has not begun by now will never come."""
        unasked = [one for one in self._responses if one.reply is None and not one.unwanted]
        for one in unasked:
            if not one.begun:
                self._responses.remove(one)
        for one in unasked[:-MOST_UNASKED]:
            self._discard(one)
        self._responses.append(response)
        self._tidy()

    def _discard(self, response: _Response) -> None:
        response.unwanted = True
        response.over = response.over or response.waits
        response.early.clear()

    def _tidy(self) -> None:
        self._responses = [
            one
            for one in self._responses
            if not (one.over and (one.unwanted or one.reply is not None))
        ]
