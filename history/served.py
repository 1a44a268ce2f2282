"""Who served a turn, stage by stage: what its session had chosen, or who stepped in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from interaction.models import Session, Turn

STAGES = ("stt", "llm", "tts", "realtime")


class Server(NamedTuple):
    """The names of a provider and of its model; empty where it has no models to choose from, or
    nobody noted it."""

    provider: str
    model: str


def served_by(
    settings: Mapping[str, Any], mode: str, kind: str, fallbacks: Iterable[Mapping[str, str]]
) -> dict[str, Server]:
    """{stage: server} of the stages that the turn went through.

    ``settings``: the session's; the others are the turn's. In realtime mode one provider does it
    all, and what is typed is not recognised.
    """
    chosen = settings.get("providers", {})
    others = settings.get("fallbacks", {})
    if mode == Session.Mode.REALTIME:
        return {"realtime": _server(chosen.get("realtime", {}))}
    stages = ("llm", "tts") if kind == Turn.Kind.TEXT else ("stt", "llm", "tts")
    served = {stage: _server(chosen.get(stage, {})) for stage in stages}
    for fallback in fallbacks:
        stage, name = fallback["stage"], fallback["provider"]
        if stage in served:
            own = (choice for choice in others.get(stage, []) if choice.get("name") == name)
            served[stage] = _server(next(own, {"name": name}))
    return served


def _server(choice: Mapping[str, str]) -> Server:
    return Server(choice.get("name", ""), choice.get("model", ""))
