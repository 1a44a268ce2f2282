from __future__ import annotations

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from interaction.bus.audio_streams import AudioLost, Entry, EntryOrder, Kind, pack, unpack
from interaction.cascade.order_queue import MOST_AUDIO, OrderQueue
from interaction.cascade.reply_assembler import ReplyAssembler
from interaction.core.events import ReplyAudio
from interaction.core.orders import EndTurn, OpenTurn, SendAudio


def test_audio_waits_until_the_text_of_its_sentence_is_known() -> None:
    voice = ReplyAssembler(uuid4())
    assert voice.on_audio(0, b"ab", last=False) == []
    assert [piece.pcm for piece in voice.on_sentence(0)] == [b"ab"]


def test_the_last_piece_is_named_when_the_text_ended_before_the_audio() -> None:
    voice = ReplyAssembler(uuid4())
    voice.on_sentence(0)
    assert voice.on_text_complete(1) == []
    assert [piece.last for piece in voice.on_audio(0, b"ab", last=False)] == [False]
    assert [piece.last for piece in voice.on_audio(0, b"", last=True)] == [True]


def test_an_empty_last_piece_follows_when_the_audio_ended_before_the_text() -> None:
    voice = ReplyAssembler(uuid4())
    voice.on_sentence(0)
    voice.on_audio(0, b"ab", last=False)
    assert voice.on_audio(0, b"", last=True) == []
    assert voice.on_text_complete(1) == [ReplyAudio(voice.reply, 1, 0, b"", last=True)]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.data())
def test_whatever_comes_first_the_reply_is_whole_and_ends_once(
    lengths: list[int], data: st.DataObject
) -> None:
    voice = ReplyAssembler(uuid4())
    audio = [(s, bytes([s, i]), i == n - 1) for s, n in enumerate(lengths) for i in range(n)]
    texts = [*range(len(lengths)), -1]
    out: list[ReplyAudio] = []
    while audio or texts:
        if audio and (not texts or data.draw(st.booleans())):
            out += voice.on_audio(*audio.pop(0))
        elif (number := texts.pop(0)) >= 0:
            out += voice.on_sentence(number)
        else:
            out += voice.on_text_complete(len(lengths))
    expected = [bytes([s, i]) for s, n in enumerate(lengths) for i in range(n)]
    assert [piece.pcm for piece in out if piece.pcm] == expected
    assert [piece.sequence for piece in out] == list(range(len(out)))
    assert [piece.last for piece in out] == [False] * (len(out) - 1) + [True]


ENTRY = Entry(uuid4(), uuid4(), uuid4(), 3, 7, Kind.AUDIO, b"pcm!")


def test_an_entry_comes_back_as_it_was_written() -> None:
    assert unpack(pack(ENTRY)) == ENTRY
    assert unpack(pack(ENTRY._replace(reply=None))).reply is None


def test_an_entry_that_was_cut_short_is_a_loss() -> None:
    [(name, raw)] = pack(ENTRY).items()
    for damaged in (raw[:-1], raw[:20], b""):
        try:
            unpack({name: damaged})
        except AudioLost:
            continue
        raise AssertionError(f"{len(damaged)} bytes were taken for an entry")


def test_a_repeated_entry_is_skipped_and_a_missing_one_is_a_loss() -> None:
    order = EntryOrder()
    assert order.accepts(ENTRY._replace(number=0))
    assert not order.accepts(ENTRY._replace(number=0))
    assert order.accepts(ENTRY._replace(number=1))
    try:
        order.accepts(ENTRY._replace(number=3))
    except AudioLost:
        return
    raise AssertionError("a gap went unseen")


async def test_of_audio_that_cannot_be_sent_the_oldest_is_dropped_and_nothing_else() -> None:
    orders, turn = OrderQueue(), uuid4()
    orders.enqueue(OpenTurn(turn, 1))
    second = b"\0" * 32_000
    dropped = [orders.enqueue(SendAudio(turn, bytes([i]) + second)) for i in range(40)]
    orders.enqueue(EndTurn(turn, uuid4(), ()))
    gone = [audio.pcm[0] for audio in dropped if audio]
    assert gone == list(range(len(gone)))
    assert isinstance(await orders.next_order(), OpenTurn)
    kept = [await orders.next_order() for _ in range(40 - len(gone))]
    assert all(isinstance(order, SendAudio) for order in kept)
    assert sum(len(order.pcm) for order in kept if isinstance(order, SendAudio)) <= MOST_AUDIO
    assert isinstance(await orders.next_order(), EndTurn)
