"""What REST answers with about turns that were kept: one model a resource.

JSON Schemas are generated from ``RESOURCES`` (``interaction/edges/json_schemas.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, cast
from uuid import UUID

from django.urls import reverse
from pydantic import BaseModel, Field

from history.served import served_by
from interaction import models
from interaction.api.schemas import ErrorDetail, Session
from interaction.core.types import CutReason, Mode
from interaction.edges.parley import codec
from interaction.edges.parley.messages import Latency
from interaction.sessions.settings import WireModel


class SessionPage(WireModel):
    items: list[Session]
    count: int
    """Sessions on all pages."""


class Utterance(WireModel):
    """What the person said in a turn, spoken or typed."""

    turn_id: UUID
    session_id: UUID
    kind: Literal["speech", "text"]
    text: str
    audio_url: str | None
    audio_ms: int | None
    started_at: datetime


class AgentMessage(WireModel):
    """What the agent answered in a turn."""

    turn_id: UUID
    session_id: UUID
    text: str
    heard_text: str
    """The part of it that the person heard: less than ``text`` after an interruption."""
    cut: CutReason | None
    """Why ``text`` is less than the model's whole answer; null: it is all of it, or not known."""
    heard_ms: int | None
    interrupted: bool
    audio_url: str | None
    audio_ms: int | None


class TaskStage(WireModel):
    """One step of a task, and how long the person waited for it."""

    stage: Literal["stt", "llm", "tts", "realtime"]
    """``realtime``: one provider served the whole turn."""
    provider: str
    """The name of the provider that served it."""
    model: str
    waited_ms: float | None
    """Milliseconds. ``stt``: transcription_delay; ``llm``: llm_ttfs; ``tts``: tts_ttfb;
    ``realtime``: e2e."""


class Fallback(WireModel):
    """The first choice failed before its first output; another provider served the stage."""

    stage: Literal["stt", "llm", "tts"]
    failed: str
    code: str
    provider: str


class Invocation(WireModel):
    """A tool that the language model asked for."""

    id: UUID
    tool: str
    arguments: str
    """JSON text as the model gave it."""
    status: Literal["succeeded", "failed", "timed_out", "refused"]
    result: str
    """JSON text, or what went wrong."""
    ms: float


class Task(WireModel):
    """The work that one request of the person's set off."""

    id: UUID
    """One turn sets off one task, so far: it has the turn's id."""
    session_id: UUID
    turn_id: UUID
    status: Literal["done", "interrupted", "failed"]
    stages: list[TaskStage]
    fallbacks: list[Fallback]
    invocations: list[Invocation]
    error: ErrorDetail | None
    started_at: datetime


class Turn(WireModel):
    id: UUID
    session_id: UUID
    sequence: Annotated[int, Field(ge=1)]
    mode: Mode
    """The mode of the engine that served it: a session may change from one to the other."""
    end_reason: str
    utterance: Utterance
    agent_message: AgentMessage
    task: Task
    latency: Latency
    underruns: int

    @classmethod
    def of(cls, row: models.Turn) -> Turn:
        return cls(
            id=row.pk,
            session_id=row.session_id,
            sequence=row.sequence,
            mode=cast("Mode", row.mode),
            end_reason=row.end_reason,
            utterance=_utterance(row),
            agent_message=_agent_message(row),
            task=_task(row),
            latency=_latency(row),
            underruns=row.underruns,
        )


def _utterance(row: models.Turn) -> Utterance:
    return Utterance(
        turn_id=row.pk,
        session_id=row.session_id,
        kind="text" if row.kind == models.Turn.Kind.TEXT else "speech",
        text=row.transcript,
        audio_url=audio_url(row, "user"),
        audio_ms=row.user_audio_ms,
        started_at=row.started_at,
    )


def _agent_message(row: models.Turn) -> AgentMessage:
    return AgentMessage(
        turn_id=row.pk,
        session_id=row.session_id,
        text=row.reply,
        heard_text=row.heard_text,
        cut=cast("CutReason | None", row.cut or None),
        heard_ms=row.heard_ms,
        interrupted=row.interrupted,
        audio_url=audio_url(row, "agent"),
        audio_ms=row.agent_audio_ms,
    )


def audio_url(row: models.Turn, side: str) -> str | None:
    """The address of the recording of ``"user"`` or ``"agent"``; None where there is none."""
    if not row.audio(side):
        return None
    return reverse("api:turn_audio", args=[row.session_id, row.pk]) + f"?side={side}"


def _latency(row: models.Turn) -> Latency:
    measured = getattr(row, "latency", None)
    return codec.latency(measured.by_metric() if measured else {})


WAITS = {
    "stt": "transcription_delay",
    "llm": "llm_ttfs",
    "tts": "tts_ttfb",
    "realtime": "e2e",
}
"""The metric that says how long the person waited for a stage."""


def _task(row: models.Turn) -> Task:
    waits = _latency(row)
    served = served_by(row.session.settings, row.mode, row.kind, row.fallbacks)
    return Task.model_validate(
        {
            "id": row.pk,
            "session_id": row.session_id,
            "turn_id": row.pk,
            "status": _status(row),
            "stages": [
                {
                    "stage": stage,
                    "provider": server.provider,
                    "model": server.model,
                    "waited_ms": getattr(waits, WAITS[stage]),
                }
                for stage, server in served.items()
            ],
            "fallbacks": row.fallbacks,
            "invocations": [
                {name: getattr(invocation, name) for name in Invocation.model_fields}
                for task in row.tasks.all()
                for invocation in task.invocations.all()
            ],
            "error": row.error,
            "started_at": row.started_at,
        }
    )


def _status(row: models.Turn) -> str:
    if row.error:
        return "failed"
    return "interrupted" if row.interrupted else "done"


RESOURCES: dict[str, type[BaseModel]] = {
    "turn": Turn,
    "utterance": Utterance,
    "agent_message": AgentMessage,
    "task": Task,
}
