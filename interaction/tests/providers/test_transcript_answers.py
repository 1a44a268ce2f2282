"""A recogniser's answer, in whatever shape it comes, yields the words that were said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.core.spoken_words import spoken_words
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.transcript_answers import TranscriptAnswer
from interaction.providers.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderUnauthorized,
)

HELLO = "hello there"


def answer(body: str, content_type: str = "") -> str:
    reading = TranscriptAnswer(ErrorMapping("stt", "any"), content_type)
    for line in body.splitlines():
        reading.feed(line)
        if reading.ended:
            break
    return reading.finish()


def stream(*events: Any, done: bool = True, separator: str = "\n\n") -> str:
    lines = [f"data: {e if isinstance(e, str) else json.dumps(e)}" for e in events]
    return separator.join([*lines, *(["data: [DONE]"] if done else [])]) + separator


def delta(text: Any) -> dict[str, Any]:
    return {"type": "transcript.text.delta", "delta": text}


BODIES: list[Any] = [
    {"text": HELLO},
    {"text": f"  {HELLO}\n"},
    {"transcript": HELLO},
    {"transcription": HELLO},
    {"choices": [{"message": {"content": HELLO}}, {"message": {"content": "hollow bear"}}]},
    {"text": "", "segments": [{"text": " hello"}, {"text": " there"}]},
    {"text": None, "segments": [{"text": " hello"}, {"text": " there"}]},
    {"segments": [{"text": "hello"}, {"text": "there"}]},
    {"segments": [{"start": 0, "end": 1, "text": " hello"}, {"start": 1, "text": " there "}]},
    {"segments": [{"text": "hello"}, {"text": None}, {}, {"text": "there"}]},
    {"words": [{"word": "hello", "start": 0}, {"word": "there", "start": 1}]},
    {"words": [{"word": " hello"}, {"word": " there"}]},
    {"words": [{"text": "hello"}, {"text": "there"}]},
    {"words": ["hello", "there"]},
    {"chunks": [{"timestamp": [0, 1], "text": " hello"}, {"text": " there"}]},
    {"text": [{"text": "hello"}, {"text": "there"}]},
    {"results": [{"alternatives": [{"transcript": HELLO}, {"transcript": "hollow bear"}]}]},
    {"results": {"channels": [{"alternatives": [{"transcript": HELLO}]}]}},
    {"results": {"transcripts": [{"transcript": HELLO}]}},
    {"result": {"text": HELLO}},
    {"result": HELLO} | {"text": HELLO},
    {"data": {"text": HELLO}},
    {"data": [{"text": "hello"}, {"text": "there"}]},
    {"output": {"text": HELLO}},
    {"utterances": [{"text": "hello", "speaker": "A"}, {"text": "there", "speaker": "B"}]},
    [{"text": "hello"}, {"text": "there"}],
    [HELLO],
    HELLO,
    {"task": "transcribe", "language": "english", "duration": 1.2, "text": HELLO, "words": []},
    {"text": HELLO, "error": None},
    {"text": HELLO, "usage": {"type": "duration", "seconds": 1}},
    {"status": "completed", "text": HELLO},
]

TEXTS = [
    HELLO,
    f"\ufeff{HELLO}\n",
    "hello\nthere",
    f'{{"text": "{HELLO}"}}',
    json.dumps({"text": HELLO}, indent=4),
    '{"text": "hello"}\n{"text": "there"}\n',
    '{"text": "hello"}\n\n{"text": "there"}\n{"done": true}\n',
    '{"text": "hello"}\n{"text": "hello there"}\n[DONE]\n',
    "1\n00:00:00,000 --> 00:00:01,000\nhello\n\n2\n00:00:01,000 --> 00:00:02,000\nthere\n",
    "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n\n00:01.000 --> 00:02.000\nthere\n",
    "WEBVTT - made\n\nfirst\n00:00.000 --> 00:01.000 align:start\nhello\nthere\n",
    json.dumps(HELLO),
]

STREAMS = [
    stream({"text": "hello"}, {"text": "there"}),
    stream({"text": "hello"}, {"text": "there"}, done=False),
    stream({"text": "hello"}, {"text": "there"}, separator="\n"),
    stream({"text": "hello"}, {"text": "hello there"}),
    stream({"text": "hello"}, {"text": "hello there"}, {"text": "hello there"}),
    stream({"text": " hello"}, {"text": " there"}),
    stream({"text": "hello", "start": 0.0}, {"text": "there", "start": 1.0}),
    stream({"text": "hello", "is_final": False}, {"text": HELLO, "is_final": True}),
    stream({"text": "hollow", "is_final": False}, {"text": HELLO, "is_final": False}),
    stream({"text": "yellow", "final": False}, {"text": HELLO, "final": True}),
    stream({"segments": [{"text": "hello"}]}, {"segments": [{"text": "there"}]}),
    stream({"segments": [{"text": "hello"}]}, {"segments": [{"text": "hello"}, {"text": "there"}]}),
    stream("hello there"),
    stream(json.dumps(HELLO)),
    stream(delta("hello"), delta(" there")),
    stream(delta("hello"), delta(" there"), done=False),
    stream(delta("hello"), delta(" there"), {"type": "transcript.text.done", "text": HELLO}),
    stream(delta("hell"), {"type": "transcript.text.done", "text": HELLO}, done=False),
    stream({"type": "transcript.text.done", "text": HELLO}),
    stream(delta("hello"), delta(" there"), {"type": "transcript.text.done", "text": None}),
    stream(delta("hello"), delta(" there"), {"type": "transcript.text.done"}),
    stream(delta("hello"), delta(None), delta(""), {"type": "other"}, {}, delta(" there")),
    stream(
        {"type": "transcript.text.segment", "text": "hello", "start": 0, "speaker": "A"},
        {"type": "transcript.text.segment", "text": "there", "start": 1, "speaker": "B"},
        {"type": "transcript.text.done", "text": HELLO},
    ),
    stream(
        {"type": "transcript.text.segment", "text": " hello", "start": 0},
        {"type": "transcript.text.segment", "text": " there", "start": 1},
    ),
    stream({"delta": "hello"}, {"delta": " there"}),
    stream(
        {"object": "transcription.chunk", "choices": [{"delta": {"content": " hello"}}]},
        {"object": "transcription.chunk", "choices": [{"delta": {"content": " there"}}]},
        {"choices": [{"delta": {"content": ""}, "finish_reason": "stop"}]},
        {"choices": [{"delta": {}}, None]},
        {"choices": [], "usage": {"total_tokens": 3}},
    ),
    stream({"text": ""}, {"text": "hello"}, {"text": None}, {"text": "there"}, {"usage": {}}),
    ": keep-alive\n\n" + stream({"text": HELLO}) + ": bye\n\n",
    f'event: message\nid: 1\nretry: 5\ndata: {{"text": "{HELLO}"}}\n\n',
    f'event: done\ndata: {{"text":\ndata: "{HELLO}"}}\n\n',
    f'data:{{"text": "{HELLO}"}}\r\n\r\n',
]


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_json_of_any_shape_is_read(body: Any) -> None:
    assert answer(json.dumps(body), "application/json") == HELLO
    assert answer(json.dumps(body), "text/plain") == HELLO
    assert answer(stream(body), "text/event-stream") == HELLO


@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_text_of_any_kind_is_read(text: str) -> None:
    assert " ".join(answer(text, "text/plain").split()) == HELLO


@pytest.mark.parametrize("text", STREAMS, ids=repr)
def test_a_stream_of_any_kind_is_read(text: str) -> None:
    assert answer(text, "text/event-stream") == HELLO
    assert answer(text, "text/plain") == HELLO


@pytest.mark.parametrize(
    "body",
    [
        *({}, [], None, "", 0, False, {"text": None}, {"text": ""}, {"text": " "}, {"text": []}),
        *({"segments": []}, {"segments": None}, {"words": []}, {"text": None, "segments": []}),
        *({"text": {}}, {"id": "x"}, {"task": "transcribe", "duration": 2.0}, {"results": []}),
        *({"results": {"channels": [{"alternatives": []}]}}, [None], [{}], {"text": 5}),
        *({"text": "..."}, {"text": "."}, {"text": "[BLANK_AUDIO]"}, {"text": "<|nospeech|>"}),
        *({"segments": [{"text": " [Music]"}, {"text": " [Music]"}]}, {"transcript": None}),
    ],
    ids=str,
)
def test_an_answer_without_words_says_that_nothing_was_said(body: Any) -> None:
    assert spoken_words(answer(json.dumps(body), "application/json")) == ""
    assert spoken_words(answer(stream(body), "text/event-stream")) == ""


@pytest.mark.parametrize("text", ["", "\n", "data: [DONE]\n\n", ": nothing\n\n", "WEBVTT\n\n"])
def test_an_empty_answer_says_that_nothing_was_said(text: str) -> None:
    assert answer(text) in ("", "WEBVTT")


@pytest.mark.parametrize(
    ("said", "script"),
    [
        (["今天", "天气很好"], "今天天气很好"),
        (["こんにちは", "世界"], "こんにちは世界"),
        (["안녕", "하세요"], "안녕 하세요"),
        (["สวัสดี", "ครับ"], "สวัสดีครับ"),
        (["你好", "world"], "你好 world"),
        (["नमस्ते", "दुनिया"], "नमस्ते दुनिया"),
    ],
)
def test_segments_are_joined_as_their_script_wants_it(said: list[str], script: str) -> None:
    segments = [{"text": text} for text in said]
    assert answer(json.dumps({"segments": segments})) == script
    assert answer(stream(*segments)) == script


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"error": {"message": "no", "code": "insufficient_quota"}}', ProviderUnauthorized),
        (stream({"error": {"code": "rate_limit_exceeded"}}), ProviderRateLimited),
        (stream({"text": "he"}, {"type": "error", "code": "server_error"}), ProviderError),
        ('{"error": "model not loaded"}', ProviderError),
        ('{"status": "error", "message": "no"}', ProviderError),
        ("<!doctype html><title>Sign in</title>", ProviderProtocolError),
        ('{"text": "hel', ProviderProtocolError),
    ],
)
def test_what_is_an_error_stays_one(text: str, error: type[ProviderError]) -> None:
    with pytest.raises(error):
        answer(text)


def test_partials_grow_as_the_stream_comes() -> None:
    reading = TranscriptAnswer(ErrorMapping("stt", "any"))
    lines = stream({"text": "hello"}, {"text": "there"}, {"text": None}).splitlines()
    assert [text for line in lines if (text := reading.feed(line)) is not None] == ["hello", HELLO]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["text", "segments", "words", "delta", "type", "channel", "error"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_shape_is_a_bug(body: Any) -> None:
    try:
        assert isinstance(answer(json.dumps(body)), str)
        assert isinstance(answer(stream(body)), str)
    except ProviderError:
        pass
