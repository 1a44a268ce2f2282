"""What the engine's news of a reply does to it, be it a turn's or one beside the conversation."""

from __future__ import annotations

from interaction.core import effects as out
from interaction.core import signals as sig
from interaction.core.effects import Effect
from interaction.core.facts import as_news
from interaction.core.turn import Reply, Sentence, Turn


def take(turn: Turn, reply: Reply, event: sig.StageEvent, now: float) -> list[Effect]:
    """Note the event and say what the client is to be told. Afterwards ``reply.silent`` says
    whether it has ended without a sound."""
    turn.progress_at = now
    match event:
        case sig.ReplySentence(sentence=number, text=text):
            reply.sentences.setdefault(number, Sentence("")).text = text
            return [*begin(turn, reply), out.ReplySpoken(turn.id, reply.id, number, text)]
        case sig.SentenceSoFar(sentence=number, text=text):
            reply.sentences.setdefault(number, Sentence("")).text = text
        case sig.ReplyText(text=text, sentences=count, cut=cut):
            reply.text, reply.silent = text, count == 0
            told = [*begin(turn, reply), out.ReplyWritten(turn.id, reply.id, text, cut)]
            if reply.silent:
                told.append(out.ReplyEnded(turn.id, reply.id, dict(turn.latency)))
            return told
        case sig.ToolInvoked():
            return [*begin(turn, reply), as_news(out.ToolUsed, event)]
        case sig.ToolCalled(call=call):
            return [*begin(turn, reply), out.ToolAsked(turn.id, reply.id, call)]
        case sig.Used():
            return [as_news(out.Spent, event)]
        case sig.EndRequested():
            turn.ends_session = True
        case sig.ReplyAudio() if not reply.complete:
            reply.add_audio(event.sentence, event.pcm)
            reply.complete = event.last
            piece = (event.sequence, event.sentence, event.pcm, event.last)
            return [*begin(turn, reply), out.Play(turn.id, reply.id, *piece)]
    return []


def begin(turn: Turn, reply: Reply) -> list[Effect]:
    """Tell the client of the reply, once; in realtime mode it may come before the transcript."""
    if reply.begun:
        return []
    reply.begun = True
    return [out.ReplyBegan(turn.id, reply.id)]


def left(turn: Turn, reply: Reply, now: float, *, last: bool) -> list[Effect]:
    """Audio of the reply has left for the client."""
    if reply.first_left_at is None:
        reply.first_left_at = now
        turn.latency["e2e"] = turn.since_speech(now)
    if not last:
        return []
    reply.all_left = True
    return [out.ReplyEnded(turn.id, reply.id, dict(turn.latency))]
