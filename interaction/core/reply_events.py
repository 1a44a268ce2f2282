"""What engine events do to a reply, be it a turn's or one out of band."""

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
    News,
    PlayAudio,
    ReplyEnded,
    ReplySentenceText,
    ReplyStarted,
    ReplyTextCompleted,
)
from interaction.core.reply import Reply, Sentence
from interaction.core.turn import Turn


def on_event(turn: Turn, reply: Reply, event: EngineEvent, now: float) -> list[News]:
    """Note the event; return what the client is told. If ``reply.silent`` is set afterwards, the
    reply is over without any audio."""
    turn.progress_at = now
    match event:
        case ReplySentence(sentence=number, text=text):
            reply.sentences.setdefault(number, Sentence("")).text = text
            return [*announce(turn, reply), ReplySentenceText(turn.id, reply.id, number, text)]
        case PartialSentence(sentence=number, text=text):
            reply.sentences.setdefault(number, Sentence("")).text = text
        case ReplyText(text=text, sentences=count, cut=cut):
            reply.text, reply.silent, reply.cut = text, count == 0, cut
            news = [*announce(turn, reply), ReplyTextCompleted(turn.id, reply.id, text, cut)]
            if reply.silent:
                news.append(ReplyEnded(turn.id, reply.id, dict(turn.latency)))
            return news
        case ToolInvoked():
            turn.tools.append(event)
            return [*announce(turn, reply), event]
        case ClientToolCalled():
            return [*announce(turn, reply), event]
        case UsageReported():
            return [event]
        case SessionEndRequested():
            turn.ends_session = True
        case ReplyAudio() if not reply.complete:
            reply.add_audio(event.sentence, event.pcm)
            reply.complete = event.last
            piece = (event.sequence, event.sentence, event.pcm, event.last)
            return [*announce(turn, reply), PlayAudio(turn.id, reply.id, *piece)]
    return []


def announce(turn: Turn, reply: Reply) -> list[News]:
    """Tell the client that the reply starts, once; in realtime mode, that may be before the
    transcript."""
    if reply.announced:
        return []
    reply.announced = True
    return [ReplyStarted(turn.id, reply.id)]


def on_audio_sent(turn: Turn, reply: Reply, now: float, *, last: bool) -> list[News]:
    """Audio of the reply has left for the client."""
    if reply.first_sent_at is None:
        reply.first_sent_at = now
        turn.latency["e2e"] = turn.since_speech(now)
    if not last:
        return []
    reply.all_sent = True
    return [ReplyEnded(turn.id, reply.id, dict(turn.latency))]
