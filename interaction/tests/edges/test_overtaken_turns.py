"""A turn that the next one overtook before its reply began: what the client is told of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from interaction.core.news import ReplyInterrupted
from interaction.edges.openai.items import Items
from interaction.edges.openai.server_events import ServerEvents
from interaction.edges.openai.session import Settings
from interaction.edges.parley import codec, messages

OVERTAKEN = ReplyInterrupted(uuid4(), uuid4(), heard_ms=0, heard_text="")


def test_parleys_client_is_told_that_nothing_of_the_reply_was_heard() -> None:
    message = codec.encode(OVERTAKEN)
    assert isinstance(message, messages.Interrupted)
    assert (message.turn_id, message.reply_id) == (OVERTAKEN.turn_id, OVERTAKEN.reply_id)
    assert (message.heard_ms, message.heard_text) == (0, "")


def test_openais_client_is_told_nothing_of_a_response_that_was_never_created() -> None:
    sent: list[dict[str, Any]] = []
    settings = Settings("sess_1", "any", 0, is_transcription=False)
    ServerEvents(settings, Items(), sent.append, lambda act: act()).on_news(OVERTAKEN)
    assert sent == []
