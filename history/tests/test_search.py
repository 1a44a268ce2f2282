"""Words that were said find the conversation, on whichever database it is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from history.filters import SessionFilter
from history.listing import excerpt, rows_of
from history.models import SessionWords
from history.queries import summaries_of
from history.search import LONGEST_STREAM, MARK, Place, Search, Term, stream_of
from history.tests.conftest import add_turn
from interaction.models import Session

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
Talked = Callable[..., Session]

SAID = [
    ("Trip to Paris", [("how far is the hotel from Orly", "About 20 minutes by train.")]),
    ("", [("你好，今天天氣怎麼樣", "今天天氣很好，適合去公園。"), ("謝謝", "不客氣。")]),
    ("", [("what's John's number", "It's 555. Don't tell Zoë!")]),
    ("", [("我想用Python寫程式", "好，先安裝 Python 3.11。")]),
    ("", [("the train", "to nowhere"), ("hotel", "")]),
    ("明天天氣預報", [("weather tomorrow", "Rain, 100% sure: it's a_b & c|d!")]),
]

FINDS = [
    ("hotel", {0, 4}),
    ("HOTEL", {0, 4}),
    ("paris", {0}),
    ("hotel train", {0, 4}),
    ("train hotel orly", {0}),
    ('"the train"', {4}),
    ('"the hotel"', {0}),
    ('"train the"', set()),
    ('"train to nowhere"', set()),  # no phrase reaches from one side to the other
    ('"train hotel"', set()),
    ("hot", {0, 4}),
    ("hot train", set()),  # the last word alone may go on
    ("train hot", {0, 4}),
    ("h", set()),
    ("天", {1, 5}),
    ("天氣", {1, 5}),
    ("天氣很好", {1}),
    ("今天天氣", {1}),
    ("明天", {5}),
    ("天今", set()),
    ("天 好", {1}),
    ("好", {1, 3}),
    ("「今天天氣」", {1}),
    ("“very good”", set()),
    ("今天 公園", {1}),
    ("python", {3}),
    ("用python", {3}),
    ("用Python寫", {3}),
    ("python 3.11", {3}),
    ('"python 3"', {3}),
    ("john", {2}),
    ("john's", {2}),
    ("John’s", {2}),
    ("don't", {2}),
    ("don x", set()),
    ("zoe", {2}),
    ("ZOË", {2}),
    ("100%", {5}),
    ("100%sure", {5}),
    ("a_b", {5}),
    ("c|d", {5}),
    ("c | d", {5}),
    ("nobody", set()),
    ("…", set()),
    ("  ", set()),
    ('"', set()),
    ('""', set()),
    ('"hotel', {0, 4}),
    ('hotel"', {0, 4}),
    ("hotel OR nobody", set()),
    ("NOT hotel", set()),
    ("NEAR(hotel train)", set()),
    ("hotel*", {0, 4}),
    ("*", set()),
    ("-hotel", {0, 4}),
    ("stream:hotel", set()),
    ("hotel:*", {0, 4}),
    ("hotel & train", {0, 4}),
    ("!hotel", {0, 4}),
    ("hotel <-> train", {0, 4}),
    ("hotel' OR '1'='1", set()),
    ("); DROP TABLE x; --", set()),
    ("\\", set()),
    ("hotel\\", {0, 4}),
    ("hotel\t\ntrain", {0, 4}),
    ("hotel\u3000train", {0, 4}),
    (f"{MARK}1u", set()),
    ("1u", set()),
    ("hotel " * 30, {0, 4}),
    (" ".join("abcdefghijklmnopqrstuvwxyz" * 3), set()),
]


@pytest.fixture
def six(talked: Talked) -> list[Session]:
    sessions = []
    for title, turns in SAID:
        session = talked(title=title, turns=0)
        for sequence, (said, answered) in enumerate(turns, 1):
            add_turn(session, sequence=sequence, transcript=said, reply=answered)
        sessions.append(session)
    return sessions


def found(owner: User, text: str, sessions: list[Session]) -> set[int]:
    wanted = SessionFilter(text=text)
    ids = wanted.filter(summaries_of(owner)).values_list("pk", flat=True)
    return {number for number, session in enumerate(sessions) if session.pk in set(ids)}


def test_what_is_typed_finds_what_was_said(owner: User, six: list[Session]) -> None:
    # One test, since writing the sessions takes longer than a hundred searches.
    for text, expected in FINDS:
        assert found(owner, text[:200], six) == expected, text


def test_other_peoples_words_are_not_found(stranger: User, six: list[Session]) -> None:
    assert found(stranger, "hotel", six) == set()


def test_the_index_follows_what_is_written(owner: User, six: list[Session]) -> None:
    session = six[4]
    assert found(owner, "ptarmigan", six) == set()
    add_turn(session, sequence=3, transcript="a ptarmigan")
    assert found(owner, "ptarmigan", six) == {4}
    session.title = "Quinquennial"
    session.save()
    assert found(owner, "quinq", six) == {4}
    Session.objects.filter(pk=session.pk).update(title="Zanzibar")
    assert found(owner, "quinq", six) == set()
    assert found(owner, "zanz", six) == {4}
    session.turns.get(sequence=3).delete()
    assert found(owner, "ptarmigan", six) == set()


def test_what_is_deleted_leaves_the_index(owner: User, six: list[Session]) -> None:
    six[0].delete()
    Session.objects.filter(pk=six[4].pk).delete()
    assert found(owner, "hotel", six) == set()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO history_words_index(history_words_index, rank) "
                "VALUES ('integrity-check', 1)"
            )
            cursor.execute(
                "SELECT count(*) FROM history_words_index WHERE history_words_index MATCH 'hotel'"
            )
            assert cursor.fetchone() == (0,)


def test_what_has_not_changed_is_not_indexed_again(
    talked: Talked, django_assert_num_queries: Any
) -> None:
    session = talked()
    before = SessionWords.objects.get(session=session)
    session.recording = False
    session.save()
    after = SessionWords.objects.get(session=session)
    assert (before.pk, before.stream) == (after.pk, after.stream)


def test_databases_have_the_indexes_that_only_they_know(db: None) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE 'history_words%'")
        else:
            cursor.execute("SELECT indexname FROM pg_indexes")
        names = {name for (name,) in cursor.fetchall()}
        indexes = connection.introspection.get_constraints(cursor, "history_sessionsummary")
    assert "history_words_index" in names
    assert {"summary_longest", "summary_slowest", "summary_found_by"} <= set(indexes)
    if connection.vendor == "sqlite":
        triggers = {"history_words_added", "history_words_gone", "history_words_changed"}
        assert triggers <= names


@pytest.mark.parametrize(
    ("text", "place", "excerpted"),
    [
        (
            "hotel",
            Place(1, "u"),
            [("how far is the ", False), ("hotel", True), (" from Orly", False)],
        ),
        (
            "minutes",
            Place(1, "a"),
            [("About 20 ", False), ("minutes", True), (" by train.", False)],
        ),
    ],
)
def test_a_hit_leads_to_the_turn_with_its_words_marked(
    six: list[Session], text: str, place: Place, excerpted: list[tuple[str, bool]]
) -> None:
    [row] = rows_of([six[0].pk], text)
    assert row.found
    assert (row.found.place, row.found.pieces) == (place, excerpted)


def test_of_several_turns_the_one_with_most_of_the_words_is_shown(talked: Talked) -> None:
    session = talked(turns=0)
    for sequence, said in enumerate(("red", "green blue", "red green blue", "red blue"), 1):
        add_turn(session, sequence=sequence, transcript=said, reply="")
    [row] = rows_of([session.pk], "red blue green")
    assert row.found
    assert row.found.place == Place(3, "u")


def test_a_title_is_marked_in_place(six: list[Session]) -> None:
    [row] = rows_of([six[0].pk], "paris")
    assert row.heading == [("Trip to ", False), ("Paris", True)]
    assert row.found is None


@pytest.mark.parametrize(
    ("text", "search", "marked"),
    [
        ("今天天氣很好", "天氣", ["天氣"]),
        ("今天天氣很好", "天", ["天天"]),
        ("Zoë met ZOE", "zoe", ["Zoë", "ZOE"]),
        ("weathered weather", "weat", ["weathered", "weather"]),
        ("to be or not to be", '"to be"', ["to be", "to be"]),
        ("用Python寫", "python寫", ["Python寫"]),
        ("nothing here", "else", []),
    ],
)
def test_what_was_searched_for_is_marked(text: str, search: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in Search.of(search).spans(text)] == marked


def test_an_excerpt_is_cut_around_the_first_hit() -> None:
    text = "word " * 100 + "needle " + "word " * 100
    pieces = excerpt(text, Search.of("needle"))
    shown = "".join(piece for piece, _marked in pieces)
    assert ("needle", True) in pieces
    assert shown.startswith("… word ")
    assert shown.endswith(" …")
    assert len(shown) < 220


def test_a_session_beyond_all_bounds_is_kept_and_found_by_its_beginning(
    owner: User, talked: Talked
) -> None:
    session = talked(turns=0)
    add_turn(session, sequence=1, transcript="first", reply="")
    huge = " ".join(f"w{number}" for number in range(200_000))
    add_turn(session, sequence=2, transcript=huge, reply="")
    assert found(owner, "first", [session]) == {0}
    assert found(owner, "w199999", [session]) == set()


@given(st.text(max_size=200))
def test_any_text_is_a_search(text: str) -> None:
    for term in Search.of(text).terms:
        assert isinstance(term, Term)
        assert term.words
        assert '"' not in term.needle


def test_a_stream_is_bounded() -> None:
    texts = ((Place(number, "u"), "字" * 5_000) for number in range(1, 100))
    assert len(stream_of(texts).encode()) <= LONGEST_STREAM + 10
