"""Answers of servers that nearly speak a protocol: what can be used of them is used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interaction.core.types import ToolCall
from interaction.providers import errors
from interaction.providers._shared.answer_text import AnswerText
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.event_stream import EventStream
from interaction.providers._shared.refused_fields import refused_in
from interaction.providers._shared.tool_call_assembler import ToolCallAssembler
from interaction.providers.anthropic.message_answer import MessageAnswer
from interaction.providers.openai.chat_answer import ChatAnswer
from interaction.providers.stage_protocols import AnswerCut, Usage

HELLO = "Hello there."


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def ends(reason: str = "stop") -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}


def sse(*events: Any) -> bytes:
    lines = (one if isinstance(one, str) else json.dumps(one) for one in events)
    return b"".join(f"data: {line}\n\n".encode() for line in lines)


def chat(body: bytes, size: int = 7) -> list[Any]:
    answer = ChatAnswer(ErrorMapping("llm", "openai"), AnswerText(("", "")), {"time", "date"})
    return outputs(answer, body, size)


def outputs(answer: Any, body: bytes, size: int) -> list[Any]:
    stream, given = EventStream(), []
    for at in range(0, len(body), size):
        given += answer.read(stream.feed(body[at : at + size]), done=stream.done)
    given += answer.read(stream.finish(), done=stream.done)
    assert answer.complete
    return [*given, *answer.finish()]


def text_of(given: list[Any]) -> str:
    return "".join(one for one in given if isinstance(one, str))


ODD: dict[str, Any] = {
    "no delta": {"choices": [{"index": 0, "finish_reason": None, "content_filter_results": {}}]},
    "no choices": {"usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    "null choices": {"choices": None},
    "empty choices": {"choices": [], "prompt_filter_results": []},
    "null choice": {"choices": [None]},
    "text choice": {"choices": ["x"]},
    "null delta": {"choices": [{"delta": None}]},
    "role": delta(role="assistant", content=""),
    "null content": delta(content=None),
    "number content": delta(content=3),
    "reasoning_content": delta(reasoning_content="hmm"),
    "reasoning": delta(reasoning="hmm", content=None),
    "reasoning_details": delta(reasoning_details=[{"type": "reasoning.text", "text": "hmm"}]),
    "thinking parts": delta(content=[{"type": "thinking", "thinking": [{"text": "hmm"}]}]),
    "reasoning parts": delta(content=[{"type": "reasoning", "text": "hmm"}]),
    "null calls": delta(tool_calls=None, function_call=None),
    "empty calls": delta(tool_calls=[]),
    "null error": {"error": None, **delta(content="")},
    "empty object": {},
    "not JSON": "{]",
    "a number": "3",
    "null usage": {"usage": None, "choices": []},
    "odd usage": {"usage": {"prompt_tokens": "x"}, "choices": []},
    "second choice": {
        "choices": [{"index": 0, "delta": {}}, {"index": 1, "delta": {"content": "!"}}]
    },
    "thinking": delta(content="", thinking="hmm", thinking_blocks=[{"thinking": "hmm"}]),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("place", ["first", "between", "last"])
def test_an_odd_chunk_costs_nothing_but_itself(odd: Any, place: str) -> None:
    events = [delta(content="Hello"), delta(content=" there."), ends(), "[DONE]"]
    events.insert({"first": 0, "between": 1, "last": 3}[place], odd)
    assert text_of(chat(sse(*events))) == HELLO


WHOLE = {"choices": [{"message": {"role": "assistant", "content": HELLO}, "finish_reason": "stop"}]}
SHAPES: dict[str, bytes] = {
    "no finish reason": sse(delta(content=HELLO), "[DONE]"),
    "no mark at the end": sse(delta(content=HELLO), ends()),
    "no empty line at the end": sse(delta(content=HELLO), ends()).rstrip(),
    "no space": sse(delta(content=HELLO), "[DONE]").replace(b"data: ", b"data:"),
    "CRLF": sse(delta(content=HELLO), "[DONE]").replace(b"\n", b"\r\n"),
    "one newline": sse(delta(content="Hello"), delta(content=" there."), ends()).replace(
        b"\n\n", b"\n"
    ),
    "comments": b": ping\n\n" + sse(delta(content=HELLO), "[DONE]") + b": bye\n\n",
    "named": b"event: message\nid: 1\nretry: 5\n" + sse(delta(content=HELLO), "[DONE]"),
    "byte order mark": b"\xef\xbb\xbf" + sse(delta(content=HELLO), "[DONE]"),
    "whole": json.dumps(WHOLE).encode(),
    "whole, indented": json.dumps(WHOLE, indent=2).encode(),
    "whole, in one event": sse(WHOLE),
    "repeated whole": sse(
        delta(content=HELLO), {"choices": [{**ends()["choices"][0], **WHOLE["choices"][0]}]}
    ),
    "parts": sse(delta(content=[{"type": "text", "text": HELLO}]), ends()),
    "a part": sse(delta(content={"type": "text", "text": HELLO}), ends()),
    "text": sse({"choices": [{"text": HELLO, "finish_reason": "stop"}]}),
    "one choice": sse({"choices": {"delta": {"content": HELLO}, "finish_reason": "stop"}}),
    "refusal": sse(delta(refusal=HELLO, content=None), ends()),
    "a line each": b"\n".join(
        json.dumps({"message": {"content": piece}, "done": False}).encode()
        for piece in ("Hello", " there.")
    ),
    "halves": sse(delta(content="Hello"), '{"choices":[{"delta":{"content":" there."}}]}', ends()),
    "NUL": sse(delta(content="Hello\0 there."), ends()),
    "a small mark at the end": sse(delta(content=HELLO), "[done]"),
    "a mark as JSON": sse(delta(content=HELLO), '"[DONE]"'),
    "tokens counted at the end": sse(
        delta(content=HELLO),
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    ),
    "error after the end": sse(delta(content=HELLO), ends(), {"error": "late"}),
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("size", [1, 10_000])
def test_an_answer_is_taken_in_whatever_shape_it_comes(body: bytes, size: int) -> None:
    assert text_of(chat(body, size)) == HELLO


def test_the_count_of_tokens_may_come_without_choices_or_in_one() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    for told in ({"usage": usage}, {"choices": [{"usage": usage}]}, {"x_groq": {"usage": usage}}):
        assert chat(sse(delta(content=HELLO), ends(), told, "[DONE]")) == [HELLO, Usage(1, 2)]


@pytest.mark.parametrize(
    ("reason", "cut"),
    [("length", "length"), ("max_tokens", "length"), ("content_filter", "content_filter")],
)
def test_a_cut_says_why(reason: str, cut: Any) -> None:
    assert chat(sse(delta(content=HELLO), ends(reason))) == [HELLO, AnswerCut(cut)]


ERRORS: list[tuple[Any, type[errors.ProviderError]]] = [
    ({"error": {"message": "no", "code": "insufficient_quota"}}, errors.ProviderUnauthorized),
    ({"error": {"message": "no", "type": "rate_limit_error"}}, errors.ProviderRateLimited),
    ({"error": {"message": "no", "code": 402}}, errors.ProviderUnauthorized),
    ({"error": {"message": "no", "code": "429"}}, errors.ProviderRateLimited),
    ({"error": {"code": None, "type": None}}, errors.ProviderUnavailable),
    ({"error": "Something broke: secret"}, errors.ProviderUnavailable),
    ({"error": ["broke"]}, errors.ProviderUnavailable),
    ({"detail": "Not Found"}, errors.ProviderUnavailable),
    ({"detail": [{"loc": ["body"], "msg": "no"}]}, errors.ProviderUnavailable),
    ({"message": "overloaded", "code": 503}, errors.ProviderUnavailable),
    ({"object": "error", "message": "no", "code": 400}, errors.ProviderRefused),
    ({"type": "error", "error": {"type": "overloaded_error"}}, errors.ProviderUnavailable),
    ([{"error": {"code": 401}}], errors.ProviderUnauthorized),
    (
        {"choices": [{"delta": {}, "finish_reason": "error", "error": {"code": 429}}]},
        errors.ProviderRateLimited,
    ),
    ({"choices": [{"delta": {}, "finish_reason": "error"}]}, errors.ProviderUnavailable),
]


@pytest.mark.parametrize(("body", "kind"), ERRORS)
@pytest.mark.parametrize("form", ["whole", "event", "after text"])
def test_an_error_is_told_in_many_shapes(
    body: Any, kind: type[errors.ProviderError], form: str
) -> None:
    told = json.dumps(body)
    sent = {"whole": told.encode(), "event": sse(told), "after text": sse(delta(content="H"), told)}
    with pytest.raises(kind) as caught:
        chat(sent[form])
    assert type(caught.value) is kind
    assert "secret" not in caught.value.message


TIME = ("time", "{}")


def piece(name: str | None = None, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {**fields, "function": {k: v for k, v in function.items() if v is not None}}


CALLS: dict[str, tuple[list[Any], list[tuple[str, str]]]] = {
    "name in every piece": (
        [
            piece("time", "", index=0, id="a"),
            piece("time", "{", index=0),
            piece("time", "}", index=0),
        ],
        [TIME],
    ),
    "head and tail": (
        [
            *(piece("time", "{", index=0, id="a"), piece(None, "}", index=0)),
            *(piece("time", "{", index=0, id="b"), piece(None, "}", index=1)),
        ],
        [TIME, TIME],
    ),
    "in order": (
        [piece("time", "{", index=0, id="a"), piece(None, "}", index=0)],
        [TIME],
    ),
    "mixed": (
        [
            *(piece("time", "{", index=0, id="a"), piece("date", "{", index=1, id="b")),
            *(piece(None, "}", index=0), piece(None, "}", index=1)),
        ],
        [TIME, ("date", "{}")],
    ),
    "no index": ([piece("time", "{", id="a"), piece(None, "}")], [TIME]),
    "no id": ([piece("time", "{", index=0), piece(None, "}", index=0)], [TIME]),
    "neither": ([piece("time", "{"), piece(None, "}")], [TIME]),
    "id in every piece": (
        [piece("time", "{", index=0, id="a"), piece(None, "}", index=0, id="a")],
        [TIME],
    ),
    "another id in every piece": (
        [piece("time", "{", index=0, id="a"), piece(None, "}", index=0, id="b")],
        [TIME],
    ),
    "id late": ([piece("time", "", index=0), piece(None, "{}", index=0, id="a")], [TIME]),
    "empty id later": (
        [piece("time", "{", index=0, id="a"), piece("", "}", index=0, id="")],
        [TIME],
    ),
    "name grows": (
        [piece("ti", "", index=0, id="a"), piece("time", "{}", index=0)],
        [TIME],
    ),
    "name in pieces": ([piece("ti", "", index=0, id="a"), piece("me", "{}", index=0)], [TIME]),
    "no arguments": ([piece("time", index=0, id="a")], [TIME]),
    "empty arguments": ([piece("time", "", index=0, id="a")], [TIME]),
    "null arguments": ([piece("time", "null", index=0, id="a")], [TIME]),
    "an object": ([piece("time", {"a": 1}, id="a")], [("time", '{"a": 1}')]),
    "JSON in JSON": ([piece("time", '"{\\"a\\": 1}"', id="a")], [("time", '{"a": 1}')]),
    "repeated whole": (
        [piece("time", '{"a":1}', index=0, id="a"), piece("time", '{"a":1}', index=0, id="a")],
        [("time", '{"a":1}')],
    ),
    "growing": (
        [piece("time", '{"a"', index=0, id="a"), piece("time", '{"a":1}', index=0)],
        [("time", '{"a":1}')],
    ),
    "an empty object first": (
        [piece("time", "{}", index=0, id="a"), piece(None, '{"a":1}', index=0)],
        [("time", '{"a":1}')],
    ),
    "whole, one index": (
        [piece("time", "{}", index=0, id="a"), piece("date", "{}", index=0, id="b")],
        [TIME, ("date", "{}")],
    ),
    "whole, no ids": ([piece("time", "{}"), piece("date", "{}")], [TIME, ("date", "{}")]),
    "no arguments, one index": (
        [piece("time", "", index=0, id="a"), piece("date", "", index=0, id="b")],
        [TIME, ("date", "{}")],
    ),
    "from one": ([piece("time", "{", index=1, id="a"), piece(None, "}", index=1)], [TIME]),
    "index as text": ([piece("time", "{", index="0", id="a"), piece(None, "}", index=0)], [TIME]),
    "flat": ([{"name": "time", "arguments": "{}", "id": "a"}], [TIME]),
    "number as id": ([piece("time", "{}", id=7)], [TIME]),
    "null piece": ([None, piece("time", "{}", id="a"), "x"], [TIME]),
    "null function": (
        [piece("time", "{}", index=0, id="a"), {"index": 0, "function": None}],
        [TIME],
    ),
    "nameless beside": (
        [piece("time", "{}", index=0, id="a"), piece(None, "", index=5, id="z")],
        [TIME],
    ),
    "one id for all": (
        [piece("time", "{}", index=0, id="a"), piece("date", "{}", index=1, id="a")],
        [TIME, ("date", "{}")],
    ),
    "null everywhere": (
        [
            {"index": 0, "id": "a", "function": {"name": "time", "arguments": None}},
            {"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": "{}"}},
        ],
        [TIME],
    ),
}


@pytest.mark.parametrize(("pieces", "calls"), CALLS.values(), ids=CALLS)
def test_pieces_become_the_calls_that_were_made(
    pieces: list[Any], calls: list[tuple[str, str]]
) -> None:
    one_each = ToolCallAssembler({"time", "date"})
    for one in pieces:
        one_each.feed([one])
    at_once = ToolCallAssembler({"time", "date"})
    at_once.feed(pieces)
    for made in (one_each.complete(), at_once.complete()):
        assert [(call.name, call.arguments) for call in made] == calls
        assert all(call.id for call in made)


def test_a_call_in_the_old_form_is_one() -> None:
    given = chat(sse(delta(function_call={"name": "time", "arguments": "{}"}), ends("stop")))
    (call,) = given
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments) == TIME


WRITTEN = [
    '<tool_call>\n{"name": "time", "arguments": {"zone": "UTC"}}\n</tool_call>',
    '<tool_call>{"name": "time", "arguments": "{\\"zone\\": \\"UTC\\"}"}</tool_call>',
    '[TOOL_CALLS][{"name": "time", "arguments": {"zone": "UTC"}}]',
    '[TOOL_CALLS]time[ARGS]{"zone": "UTC"}',
    '{"name": "time", "parameters": {"zone": "UTC"}}',
    '\n{"type": "function", "function": {"name": "time", "arguments": {"zone": "UTC"}}}',
    '```json\n{"name": "time", "arguments": {"zone": "UTC"}}\n```',
    '<|python_tag|>{"name": "time", "parameters": {"zone": "UTC"}}<|eom_id|>',
    '<function=time>{"zone": "UTC"}</function>',
    "<tool_call>\n<function=time>\n<parameter=zone>\nUTC\n</parameter>\n</function></tool_call>",
    "<tool_call>time\n<arg_key>zone</arg_key>\n<arg_value>UTC</arg_value>\n</tool_call>",
    '<|tool_call>call:time{"zone": "UTC"}<tool_call|>',
    '<function_calls><invoke name="time"><parameter name="zone">UTC</parameter></invoke>',
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>time\n"
    '```json\n{"zone": "UTC"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.time:0"
    '<|tool_call_argument_begin|>{"zone": "UTC"}<|tool_call_end|><|tool_calls_section_end|>',
]
AMID_TEXT = [written for written in WRITTEN if not written.lstrip().startswith(("{", "```"))]
"""Those that a mark tells from other JSON."""


@pytest.mark.parametrize(
    ("before", "written"),
    [*(("", one) for one in WRITTEN), *(("One moment. ", one) for one in AMID_TEXT)],
)
@pytest.mark.parametrize("size", [1, 10_000])
def test_a_call_that_is_written_into_the_text_is_a_call(
    before: str, written: str, size: int
) -> None:
    given = chat(sse(*(delta(content=one) for one in before + written), ends()), size)
    (call,) = [one for one in given if isinstance(one, ToolCall)]
    assert (call.name, json.loads(call.arguments)) == ("time", {"zone": "UTC"})
    assert text_of(given) == before


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Ada", "parameters": {}}',
        '{"age": 3}',
        "[Laughs] Hello.",
        "Models write `<tool_call>` first.",
        "Use <tool_call> and close it.",
        "A < B, and [tool] is a word.",
        "```\nprint(1)\n```",
        "{",
    ],
)
@pytest.mark.parametrize("size", [1, 10_000])
def test_what_is_no_call_stays_text(text: str, size: int) -> None:
    assert text_of(chat(sse(*(delta(content=one) for one in text), ends()), size)) == text


@pytest.mark.parametrize(
    "text",
    [
        f"{HELLO}<|im_end|>",
        f"{HELLO}<|eot_id|>",
        f"{HELLO}</s>",
        f"{HELLO}</s>\n",
        f"{HELLO}<end_of_turn>",
        f"{HELLO}<|endoftext|>",
        f"{HELLO}<｜end▁of▁sentence｜>",
        f"<|im_start|>assistant\n{HELLO}<|im_end|>",
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{HELLO}<|eot_id|>",
        f"<start_of_turn>model\n{HELLO}",
        f"<|assistant|>\n{HELLO}",
        f"{HELLO}<|im_end|>\n<|im_start|>user\nAnd who are you?<|im_end|>",
        f"{HELLO}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho?",
        f"{HELLO}<end_of_turn><start_of_turn>user\nWho?",
        f"{HELLO}<|user|>Who?",
        f"<think>hmm<|im_end|></think>{HELLO}",
    ],
)
@pytest.mark.parametrize("size", [1, 10_000])
def test_marks_of_a_template_are_no_text(text: str, size: int) -> None:
    given = chat(sse(*(delta(content=one) for one in text), ends()), size)
    assert text_of(given).rstrip() == HELLO


def test_a_quotation_may_end_before_a_mark() -> None:
    assert text_of(chat(sse(delta(content='He said "Hello."<|im_end|>'), ends()))) == (
        'He said "Hello."'
    )
    given = chat(
        sse(delta(content='He said "Wait."<tool_call>{"name": "time", "args": {}}'), ends())
    )
    assert text_of(given) == 'He said "Wait."'
    assert len(given) == 2


@pytest.mark.parametrize(
    "text",
    ["It ends with `<|im_end|>`.", "<s>old</s> new", '"<|user|>" begins it.', "a <", "1 </ 2"],
)
def test_what_only_speaks_of_a_templates_mark_is_text(text: str) -> None:
    assert text_of(chat(sse(*(delta(content=one) for one in text), ends()))) == text


CHAT_FIELDS = dict.fromkeys(
    ("stream", "stream_options", "tools", "tool_choice", "max_completion_tokens"), 1
)
STREAM, LONGEST = {"stream_options"}, {"max_completion_tokens"}
REFUSALS: list[tuple[int, str, set[str]]] = [
    (400, "Unrecognized request argument supplied: stream_options", {"stream_options"}),
    (
        422,
        "[{'loc': ['body', 'stream_options'], 'msg': 'Extra inputs are not permitted'}]",
        {"stream_options"},
    ),
    (400, "stream_options is only allowed when stream is true", {"stream_options"}),
    (
        400,
        "Unknown parameter: 'max_completion_tokens'. Use 'max_tokens'.",
        {"max_completion_tokens"},
    ),
    (501, "Streaming is not supported", {"stream"}),
    (400, "gemma does not support tools", {"tools"}),
    (404, "No endpoints found that support tool use", {"tools"}),
    (400, "tool_choice: only auto is supported", {"tool_choice"}),
    (400, '"auto" tool choice requires --tool-call-parser to be set', {"tools"}),
    (415, "field stream not allowed", {"stream"}),
    (401, "stream_options", set()),
    (429, "stream_options", set()),
    (400, "maximum context length is 8 tokens; reduce max_completion_tokens", set()),
    (400, "insufficient_quota for stream", set()),
    (400, "content_policy_violation in tools", set()),
    (400, "Invalid API key; stream", set()),
    (400, "messages: must not be empty", set()),
    (400, "model upstream-x is unknown", set()),
    (400, "streamOptions is not supported", {"stream_options"}),
    (400, "include_usage unsupported", {"stream_options"}),
    (400, "property 'stream_options' is unsupported", {"stream_options"}),
    (400, "Additional properties are not allowed ('stream_options' was unexpected)", STREAM),
    (400, "At body -> stream_options: Extra inputs are not permitted", STREAM),
    (422, '{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"]}]}', STREAM),
    (422, "Extra inputs are not permitted, field: 'stream_options', value: {}", STREAM),
    (400, "1 validation error for Request: body -> stream_options", STREAM),
    (400, "Argument not supported on this model: stream_options", STREAM),
    (400, "stream_options.include_usage is not supported", STREAM),
    (400, 'json: unknown field "stream_options"', STREAM),
    (400, "BAD_REQUEST: Additional property stream_options not allowed", STREAM),
    (400, "Le paramètre stream_options est inconnu", STREAM),
    (400, "参数stream_options不支持", STREAM),
    (400, "stream_options参数非法，请检查文档", STREAM),
    (502, "upstream: Unrecognized request argument supplied: stream_options", STREAM),
    (406, "stream_options not acceptable", STREAM),
    (422, "body.max_completion_tokens: extra fields not permitted", {"max_completion_tokens"}),
    (400, "Additional properties are not allowed ('max_completion_tokens')", LONGEST),
    (400, "max_completion_tokens参数无效", LONGEST),
    (500, "tools param requires --jinja flag", {"tools"}),
    (500, "Unsupported param: tools", {"tools"}),
    (400, "`tool calling` is not supported with this model", {"tools"}),
    (400, "model does not support Function Calling", {"tools"}),
    (400, "Function calling is not enabled for this model", {"tools"}),
    (400, "当前模型不支持工具调用", {"tools"}),
    (400, "模型不支持函数调用", {"tools"}),
    (400, "'tool_choice' must be a string", {"tool_choice"}),
    (400, "this model does not support this tool_choice", {"tool_choice"}),
    (400, "该模型不支持流式输出", {"stream"}),
    (405, "Streaming responses are disabled", {"stream"}),
    (500, "the stream was closed", set()),
    (500, "internal error while the stream was open", set()),
    (502, "stream ended", set()),
    (502, "Bad gateway", set()),
    (503, "stream_options", set()),
    (504, "stream timed out", set()),
    (403, "tools are not part of your plan", set()),
    (413, "tools: request too large", set()),
    (400, "", set()),
    (400, "model my-stream not found", set()),
    (400, "The upstream said no", set()),
    (400, "rate_limit exceeded for tools", set()),
]


@pytest.mark.parametrize(("status", "text", "names"), REFUSALS)
def test_a_refusal_is_about_the_field_that_it_names(
    status: int, text: str, names: set[str]
) -> None:
    assert refused_in(status, text, CHAT_FIELDS) == names


@pytest.mark.parametrize(
    "text",
    [
        "Unsupported format: pcm",
        "[{'loc': ['body', 'response_format'], 'msg': \"Input should be 'mp3' or 'wav'\"}]",
        "pcm is not supported. Use wav",
        "only response_format=wav is supported",
        "Unknown audio format",
        "Invalid format. Supported: mp3, wav",
    ],
)
def test_speech_in_another_form_is_asked_for_where_samples_are_refused(text: str) -> None:
    assert refused_in(400, text, {"response_format": "pcm"}) == {"response_format"}


@pytest.mark.parametrize(
    "text",
    ["invalid message content type: <nil>", "contents.parts must not be empty", "Empty content"],
)
def test_an_empty_text_that_is_refused_is_sent_otherwise(text: str) -> None:
    assert refused_in(400, text, {**CHAT_FIELDS, "empty_content": ""}) == {"empty_content"}


def message(*events: dict[str, Any]) -> list[Any]:
    answer = MessageAnswer(ErrorMapping("llm", "anthropic"), AnswerText(("", "")))
    return outputs(answer, sse(*events), 11)


BLOCK = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": HELLO}}
STOP = {"type": "message_stop"}


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "ping"},
        {"type": "message_start"},
        {"type": "message_start", "message": {"usage": None}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "thinking"}},
        {"type": "content_block_start", "content_block": None},
        {
            "type": "content_block_start",
            "content_block": {"type": "redacted_thinking", "data": "x"},
        },
        {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hmm"}},
        {"type": "content_block_delta", "delta": {"type": "signature_delta", "signature": "x"}},
        {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": None}},
        {"type": "content_block_delta"},
        {"type": "content_block_stop"},
        {"type": "content_block_stop", "index": 9},
        {"type": "message_delta", "delta": {}},
        {"type": "something_new", "text": "x"},
        {"no": "type"},
    ],
)
def test_an_odd_event_of_anthropics_costs_nothing(odd: dict[str, Any]) -> None:
    assert text_of(message(odd, BLOCK, odd, STOP)) == HELLO


@pytest.mark.parametrize(
    ("reason", "cut"),
    [
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
    ],
)
def test_anthropics_cut_says_why(reason: str, cut: Any) -> None:
    done = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {}}
    assert message(BLOCK, done) == [HELLO, AnswerCut(cut)]


def test_a_whole_message_of_anthropics_is_taken() -> None:
    content = [{"type": "thinking", "thinking": "hmm"}, {"type": "text", "text": HELLO}]
    assert message({"type": "message", "content": content, "stop_reason": "end_turn"}) == [HELLO]
