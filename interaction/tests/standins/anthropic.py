"""A server that speaks Anthropic's Messages API."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from interaction.tests.standins import serving
from interaction.tests.standins.serving import Answer, Plan, argument_pieces, deltas_of


class Standin(serving.Standin):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/messages", self.serve("llm", self._complete)),
            web.get("/v1/models", self._models),
        ]

    def error(self, plan: Plan, key: str) -> dict[str, Any]:
        kind = plan.code or "api_error"
        return {"type": "error", "error": {"type": kind, "message": f"Wrong: {key}"}}

    async def _complete(self, answer: Answer) -> None:
        body = answer.received.body = await answer.request.json()
        last = body["messages"][-1]["content"][-1]
        calls = answer.plan.calls if last["type"] == "text" else ()
        text = answer.plan.text
        if text is None:
            text = "" if calls else f"You said: {last.get('text') or last['content']}."
        usage = {"input_tokens": 2, "cache_read_input_tokens": 5, "output_tokens": 0}
        message = {"id": "msg", "type": "message", "role": "assistant", "content": []}
        begins = {**message, "model": body["model"], "usage": usage}
        pieces = deltas_of(answer.plan, text)
        sent = pieces[: body["max_tokens"]]
        end = "max_tokens" if len(sent) < len(pieces) else "end_turn"
        stop = {"stop_reason": "refusal" if answer.plan.code == "refusal" else end}
        blocks: list[dict[str, Any]] = []
        if any(sent):
            blocks += _block(0, {"type": "text", "text": ""}, [_text(piece) for piece in sent])
        for number, call in enumerate(calls, start=1):
            tool = {"type": "tool_use", "id": f"toolu_{number}", "name": call["name"], "input": {}}
            blocks += _block(number, tool, _arguments(call))
        await answer.events(
            [
                {"type": "message_start", "message": begins},
                {"type": "ping"},
                *blocks,
                {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 3}},
                {"type": "message_stop"},
            ],
            named=True,
            lead=4,
        )

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [], "has_more": False})


def _block(index: int, begins: dict[str, Any], deltas: list[dict[str, Any]]) -> list[Any]:
    return [
        {"type": "content_block_start", "index": index, "content_block": begins},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _text(word: str) -> dict[str, Any]:
    return {"type": "text_delta", "text": word}


def _arguments(call: dict[str, Any]) -> list[dict[str, Any]]:
    pieces = ("", *argument_pieces(call))
    return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
