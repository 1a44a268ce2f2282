"""The conversation's items: made, found, truncated and deleted by the client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interaction.core.orders import Respond
from interaction.edges.openai.formats import AudioFormat
from interaction.edges.openai.items import in_budget
from interaction.tests.edges.openai.client import Client
from interaction.tests.fakes.scripted_engine import ScriptedEngine

Connect = Callable[..., Client]


async def test_items_stand_where_they_are_put(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("second", id="b")
        item = {
            "type": "message",
            "role": "system",
            "id": "a",
            "content": [{"type": "input_text", "text": "first"}],
        }
        await client.send("conversation.item.create", previous_item_id="root", item=item)
        await client.write("third", id="c")
        await client.send("conversation.item.delete", item_id="b")
        await client.until("conversation.item.deleted")
        await client.send("response.create")
        await client.until("response.done")
    added = client.of("conversation.item.added")
    assert [event["previous_item_id"] for event in added[:3]] == [None, None, "b"]
    (order,) = (o for o in engines[0].orders if isinstance(o, Respond))
    assert [m.content for m in order.context] == ["first", "third"]


async def test_wrong_items_are_errors_with_the_codes_that_clients_match(connect: Connect) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("hello", id="a")
        await client.write("again", id="a")
        await client.send("conversation.item.retrieve", item_id="nobody")
        await client.send("conversation.item.delete", item_id=7)
        await client.send("conversation.item.truncate", item_id="a", audio_end_ms=10)
        await client.send("conversation.item.create", item={"type": "message", "role": "king"})
        await client.send("conversation.item.create", item="hello", previous_item_id="x")
        await client.send("conversation.item.create", item=None)
        await client.in_step()
    codes = [event["error"]["code"] for event in client.of("error")][:-1]
    assert codes == [
        "item_create_duplicate_item_id",
        "item_retrieve_invalid_item_id",
        "item_delete_invalid_item_id",
        "item_truncate_invalid_item_id",
        "invalid_value",
        "invalid_value",
        "invalid_value",
    ]


async def test_truncating_more_than_was_said_keeps_all_of_it(connect: Connect) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("hello")
        await client.send("response.create")
        done = await client.until("response.done")
        item = done["response"]["output"][0]
        await client.send(
            "conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=9e9
        )
        truncated = await client.until("conversation.item.truncated")
        assert truncated["audio_end_ms"] == 1_000
        await client.send("conversation.item.retrieve", item_id=item["id"])
        kept = (await client.until("conversation.item.retrieved"))["item"]
    assert kept["content"][0]["transcript"] == "You said: hello."


async def test_long_numbers_are_masked_where_they_come_in(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("my card is 4111 1111 1111 1111")
        added = await client.until("conversation.item.added")
    assert "4111" not in str(added)


def test_the_newest_items_stay_when_not_all_fit_and_calls_keep_their_results() -> None:
    def said(text: str) -> dict[str, Any]:
        return {"type": "message", "role": "user", "content": [{"text": text}]}

    call: dict[str, Any] = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c", "output": "done"}
    lonely = {"type": "function_call", "call_id": "d", "name": "f", "arguments": "{}"}
    items = [said("x" * 4_000), said("keep"), call, lonely, result]
    messages = in_budget("Be brief.", items, 200)
    assert [(m.role, m.content) for m in messages] == [
        ("system", "Be brief."),
        ("user", "keep"),
        ("assistant", ""),
        ("tool", "done"),
    ]


def test_every_code_of_g711_survives_the_round_trip() -> None:
    for law in ("audio/pcmu", "audio/pcma"):
        kind = AudioFormat(law)
        every = bytes(range(256))
        pcm = kind.decode(every)
        assert kind.decode(kind.encode(pcm)) == pcm
        assert len(pcm) == 512
    # ITU-T G.711: the loudest and the faintest of each law.
    assert AudioFormat("audio/pcmu").decode(b"\x00\xff\x80") == b"\x84\x82\x00\x00\x7c\x7d"
    assert AudioFormat("audio/pcma").decode(b"\x2a\xd5") == b"\x00\x82\x08\x00"
