"""A server that speaks Google's Gemini API."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from interaction.tests.standins import serving
from interaction.tests.standins.serving import Answer, Plan, deltas_of

SIGNATURE = "c2lnbmVk"
"""Of the first call of a reply, base64: it has to come back with the call."""


class Standin(serving.Standin):
    key_header = "x-goog-api-key"

    def routes(self) -> list[web.RouteDef]:
        asked = self.serve("llm", self._complete)
        return [
            web.post("/{version}/models/{model}:streamGenerateContent", asked),
            web.get("/{version}/models", self._models),
        ]

    def error(self, plan: Plan, key: str) -> dict[str, Any]:
        details: list[dict[str, str]] = []
        if plan.code == "API_KEY_INVALID":
            details.append({"@type": "google.rpc.ErrorInfo", "reason": plan.code})
        if plan.retry_after:
            details.append({"@type": "google.rpc.RetryInfo", "retryDelay": f"{plan.retry_after}s"})
        code = plan.status if plan.status != 200 else 503
        error = {"code": code, "message": f"Wrong: {key}", "status": plan.code, "details": details}
        return {"error": error}

    async def _complete(self, answer: Answer) -> None:
        body = answer.received.body = await answer.request.json()
        body["model"] = answer.request.match_info["model"]
        last = body["contents"][-1]["parts"][-1]
        calls = answer.plan.calls if "text" in last else ()
        text = answer.plan.text
        if text is None:
            told = last["text"] if "text" in last else last["functionResponse"]["response"]
            text = "" if calls else f"You said: {told}."
        every = [piece for piece in deltas_of(answer.plan, text) if piece]
        most = body.get("generationConfig", {}).get("maxOutputTokens")
        parts: list[dict[str, Any]] = [{"text": word} for word in every[:most]]
        end = "MAX_TOKENS" if len(parts) < len(every) else "STOP"
        for number, call in enumerate(calls):
            asked = {"functionCall": {"name": call["name"], "args": call.get("arguments", {})}}
            parts.append({**asked, **({} if number else {"thoughtSignature": SIGNATURE})})
        chunks = [_chunk([part]) for part in parts]
        reason = answer.plan.code if answer.plan.code == "SAFETY" else end
        usage = {"promptTokenCount": 7, "candidatesTokenCount": 2, "thoughtsTokenCount": 1}
        last_one = {"content": {"role": "model", "parts": []}, "finishReason": reason}
        await answer.events([*chunks, {"candidates": [last_one], "usageMetadata": usage}])

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"models": []})


def _chunk(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": parts}}]}
