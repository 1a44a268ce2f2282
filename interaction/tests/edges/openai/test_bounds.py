"""No value in any field of any of OpenAI's client events breaks a session: what makes no sense is a
``ClientError``, and nothing else."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.realtime import RealtimeClientEvent
from pydantic import TypeAdapter

from interaction.edges.openai.client_events import ClientEvents
from interaction.edges.openai.errors import ClientError, read_event
from interaction.edges.openai.session import Settings, unknown_field
from interaction.tests.edges.odd_values import ODD, put, with_odd_values

SCHEMA = TypeAdapter(RealtimeClientEvent).json_schema()
PARTS = SCHEMA["$defs"]
EVENTS = {
    next(iter(part["properties"]["type"].get("enum", [part["properties"]["type"].get("const")]))): {
        **part,
        "$defs": PARTS,
    }
    for one in SCHEMA.get("anyOf", SCHEMA.get("oneOf", ()))
    for part in [PARTS[one["$ref"].rpartition("/")[2]]]
}
"""The JSON Schema of each event, by its type, as the SDK has it."""
ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
WHOLE: dict[str, dict[str, Any]] = {
    "session.update": {"session": {"type": "realtime"}},
    "input_audio_buffer.append": {"audio": "AAAA"},
    "conversation.item.create": {"item": ITEM},
    "conversation.item.retrieve": {"item_id": "item_1"},
    "conversation.item.delete": {"item_id": "item_1"},
    "conversation.item.truncate": {"item_id": "item_1", "content_index": 0, "audio_end_ms": 0},
}
BETA = ("modalities", "voice", "input_audio_format", "turn_detection", "tools", "temperature")


class Session:
    """What carries client events out, with nothing behind it."""

    def __init__(self, *, is_transcription: bool = False) -> None:
        self.sent: deque[Any] = deque(maxlen=8)
        self.events = ClientEvents(
            Settings("sess_1", "default", 0, is_transcription=is_transcription),
            {"model": "default"},
            send=self.sent.append,
            submit=lambda command: None,
            feed_audio=lambda pcm: None,
            after_effects=lambda act: act(),
        )

    def take(self, event: Any) -> None:
        """Carry an event out as the consumer does, and whatever follows from it."""
        try:
            read = read_event(json.dumps(event))
            self.events.on_event(read)
            if str(read["type"]).endswith("session.update"):
                unknown_field(read["session"])
        except ClientError as wrong:
            assert wrong.code
            assert wrong.message
            json.dumps(wrong.event(None)).encode()
        settings = self.events.settings
        settings.config()
        settings.options()
        assert settings.input_format.rate
        assert settings.output_format.rate
        assert isinstance(settings.language + settings.instructions, str)
        json.dumps(self.events.session_echo()).encode()
        for message in self.events.context():
            message.content.encode()
        json.dumps(list(self.sent)).encode()


def odd_events(kind: str) -> Iterator[dict[str, Any]]:
    whole = {"type": kind, **WHOLE.get(kind, {})}
    yield from with_odd_values(EVENTS[kind], whole)
    if kind == "session.update":
        for name in BETA:
            for value in ODD:
                yield {"type": kind, "session": {name: value}}


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_whatever_an_event_holds_is_carried_out_or_refused(kind: str) -> None:
    # A prime step, so that every value comes by, and every place.
    for count, event in enumerate(islice(odd_events(kind), 0, None, 5)):
        if count % 50 == 0:  # what a conversation holds is read again after every event
            session = Session(is_transcription=count % 100 == 50)
        session.take(event)


@pytest.mark.uncounted
@pytest.mark.parametrize("name", ["session", "response", "item"])
def test_a_session_goes_on_after_any_of_them(name: str) -> None:
    session = Session()
    kinds = {"session": "session.update", "response": "response.create"}
    for value in ODD:
        session.take({"type": kinds.get(name, "conversation.item.create"), name: value})
        session.take({"type": kinds.get(name, "conversation.item.create"), "event_id": value})
    session.take({"type": "conversation.item.create", "item": ITEM})
    assert session.sent[-1]["type"] == "conversation.item.done"
    assert session.events.context()[-1].content == "hello"


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=9,
)


@pytest.mark.uncounted
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(sorted(EVENTS)), st.sampled_from(["session", "item", "response"]), JSON)
def test_any_json_is_carried_out_or_refused(kind: str, name: str, value: Any) -> None:
    session = Session()
    session.take(value)
    session.take({"type": kind, name: value})
    event = {"type": kind, **WHOLE.get(kind, {})}
    put(event, (name, "audio", "input", "turn_detection"), value)
    session.take(event)
    session.take({"type": kind, "item_id": value, "response_id": str(uuid4())})
