"""No value in any field of any message breaks a socket: what makes no sense is an ``error``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interaction.edges import json_schemas
from interaction.edges.parley import codec, messages
from interaction.sessions import create
from interaction.tests.edges.client import Client
from interaction.tests.edges.odd_values import ODD, with_odd_values

REPLY = "00000000-0000-0000-0000-000000000000"
WHOLE: dict[str, dict[str, Any]] = {
    "start_session": {},
    "audio_chunk": {"audio": "AAAA"},
    "text_input": {"text": "hello"},
    "interrupt": {},
    "playback": {"reply_id": REPLY, "played_ms": 0},
    "update_session": {},
    "ping": {},
}
"""What each message needs at least; those without a field of their own need nothing."""


def odd_messages(kind: str) -> Iterator[str]:
    whole = {"type": kind, **WHOLE.get(kind, {})}
    for message in with_odd_values(json_schemas.schema_of(kind), whole):
        yield json.dumps(message)
    for value in ODD:
        yield json.dumps({**whole, "colour": value})


def read(text: str) -> messages.ClientMessage | bytes | None:
    """The message; None where it was refused, with words and without a quotation."""
    try:
        return codec.decode(text=text)
    except codec.InvalidMessage as invalid:
        assert invalid.message
        assert "<script>" not in invalid.message
        assert "passwd" not in invalid.message
        return None


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", sorted(json_schemas.CLIENT))
def test_what_is_read_can_be_carried_out(kind: str) -> None:
    for text in odd_messages(kind):
        message = read(text)
        if message is None or isinstance(message, bytes):
            continue
        codec.command(message)
        stored = message.model_dump_json()
        assert "\\u0000" not in stored
        stored.encode()
        if isinstance(message, messages.UpdateSession) and message.turn_detection:
            message.turn_detection.to_core()


@pytest.mark.uncounted
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.sampled_from(["type", "text", "audio", "providers"]), inner),
        ),
        max_leaves=9,
    ),
    st.sampled_from(sorted(json_schemas.CLIENT)),
)
def test_any_json_is_read_or_refused(body: Any, kind: str) -> None:
    read(json.dumps(body))
    if isinstance(body, dict):
        read(json.dumps({**body, "type": kind}))


@pytest.mark.uncounted
def test_whatever_a_session_is_started_with_is_made_or_refused(owner: Any) -> None:
    made = 0
    with patch.object(create, "warnings_of", return_value=[]):
        # A prime step, so that every value comes by, and every place.
        for text in islice(odd_messages("start_session"), 0, None, 7):
            message = read(text)
            if not isinstance(message, messages.StartSession) or message.session_id:
                continue
            made += 1
            try:
                create.prepare_without_row(owner, message)
            except create.SessionRefused as refused:
                assert refused.message
    assert made > 50


LIVE = ("text_input", "interrupt", "playback", "update_session", "ping", "audio_chunk")


@pytest.mark.uncounted
async def test_a_session_bears_them_all(connect: Callable[[], Client]) -> None:
    async with connect() as client:
        await client.until("connection_ready")
        await client.start()
        for kind in LIVE:
            for text in odd_messages(kind):
                await client.send_text(text)
            await client.in_step()
        codes = {got["code"] for got in client.got if isinstance(got, dict) and "code" in got}
        assert codes <= {"invalid_message", "bad_json", "bad_base64", "odd_length_audio"}
        assert {"invalid_message", "bad_json"} <= codes
        await client.send("end_session")
        assert (await client.until("session_ended"))["reason"] == "ended"
