"""What the engine's news of a reply does to it, be it a turn's or one beside the conversation."""

from __future__ import annotations

from interaction.core.events import (
    ClientToolCalled,
    EngineEvent,
    PartialSentence,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    SessionEndRequested,
    ToolInvoked,
    UsageReported,
)
from interaction.core.news import (
    PlayAudio,
    ReplyEnded,
    ReplySentenceText,
    ReplyStarted,
    ReplyTextCompleted,
)
from interaction.core.orders import Effect
from interaction.core.reply import Reply, Sentence
from interaction.core.turn import Turn


def take(turn: Turn, reply: Reply, event: EngineEvent, now: float) -> list[Effect]:
    """Note the event and say what the client is to be told. Afterwards ``reply.silent`` says
    whether it has ended without a sound."""
    turn.progress_at = now
    match event:
        case ReplySentence(sentence=number, text=text):
            reply.sentences.setdefault(number, Sentence("")).text = text
            return [*begin(turn, reply), ReplySentenceText(turn.id, reply.id, number, text)]
        case PartialSentence(sentence=number, text=text):
            reply.sentences.setdefault(number, Sentence("")).text = text
        case ReplyText(text=text, sentences=count, cut=cut):
            reply.text, reply.silent = text, count == 0
            told = [*begin(turn, reply), ReplyTextCompleted(turn.id, reply.id, text, cut)]
            if reply.silent:
                told.append(ReplyEnded(turn.id, reply.id, dict(turn.latency)))
            return told
        case ToolInvoked():
            return [*begin(turn, reply), event]
        case ClientToolCalled():
            return [*begin(turn, reply), event]
        case UsageReported():
            return [event]
        case SessionEndRequested():
            turn.ends_session = True
        case ReplyAudio() if not reply.complete:
            reply.add_audio(event.sentence, event.pcm)
            reply.complete = event.last
            piece = (event.sequence, event.sentence, event.pcm, event.last)
            return [*begin(turn, reply), PlayAudio(turn.id, reply.id, *piece)]
    return []


def begin(turn: Turn, reply: Reply) -> list[Effect]:
    """Tell the client of the reply, once; in realtime mode it may come before the transcript."""
    if reply.begun:
        return []
    reply.begun = True
    return [ReplyStarted(turn.id, reply.id)]


def left(turn: Turn, reply: Reply, now: float, *, last: bool) -> list[Effect]:
    """Audio of the reply has left for the client."""
    if reply.first_left_at is None:
        reply.first_left_at = now
        turn.latency["e2e"] = turn.since_speech(now)
    if not last:
        return []
    reply.all_left = True
    return [ReplyEnded(turn.id, reply.id, dict(turn.latency))]
