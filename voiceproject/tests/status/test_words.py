"""Sizes, spans and rates as people read them: unknown is a dash, and little is not nothing."""

from __future__ import annotations

import json
import socket

import pytest

from voiceproject.queue_times import HEADER, note_time, waited_ms
from voiceproject.templatetags import status


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 day"),
        (200_000, "2 days"),
    ],
)
def test_spans(seconds: float | None, words: str) -> None:
    assert status.span(seconds) == words


@pytest.mark.parametrize(
    ("ms", "words"), [(None, "–"), (0, "0 ms"), (999.4, "999 ms"), (1_000, "1 s")]
)
def test_spans_of_milliseconds(ms: float | None, words: str) -> None:
    assert status.span_of_ms(ms) == words


@pytest.mark.parametrize(
    ("ms", "words"), [(0, "just now"), (1_499, "just now"), (4_200, "4 s ago")]
)
def test_beats(ms: float, words: str) -> None:
    assert status.ago(ms) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, "–"),
        (0, "0 %"),
        (0.000_01, "< 0.1 %"),
        (0.001, "0.1 %"),
        (0.04, "4.0 %"),
        (1 / 3, "33.3 %"),
        (0.9999, "> 99.9 %"),
        (1, "100 %"),
    ],
)
def test_rates(share: float | None, words: str) -> None:
    assert status.rate(share) == words


@pytest.mark.parametrize(("count", "words"), [(None, "–"), (0, "0\xa0bytes"), (2**30, "1.0\xa0GB")])
def test_sizes(count: int | None, words: str) -> None:
    assert status.size(count) == words


@pytest.mark.parametrize(
    ("total", "free", "width"), [(None, None, ""), (100, 25, "75.0"), (0, 0, "0.0")]
)
def test_the_bar_of_a_disk(total: int | None, free: int | None, width: str) -> None:
    assert status.taken(total, free) == width


def test_a_task_says_when_it_was_queued() -> None:
    headers: dict[str, object] = {}
    note_time(headers)
    waited = waited_ms(json.dumps({"headers": headers}).encode())
    assert waited is not None
    assert 0 <= waited < 60_000


HERE = socket.gethostname()


@pytest.mark.parametrize(
    "message",
    [
        None,
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"headers": {}}',
        json.dumps({"headers": {HEADER: ["elsewhere", 1.0]}}).encode(),
        json.dumps({"headers": {HEADER: [HERE]}}).encode(),
        json.dumps({"headers": {HEADER: [HERE, "soon"]}}).encode(),
        json.dumps({"headers": {HEADER: [HERE, 1e12]}}).encode(),
    ],
)
def test_what_does_not_say_so_has_waited_for_nobody_knows_how_long(message: bytes | None) -> None:
    assert waited_ms(message) is None
