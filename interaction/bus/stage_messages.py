"""What travels between the web side and the stages: tickets one way, reports the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from interaction.bus.stage_watchdog import Job
from interaction.core.engine import SessionSpec
from interaction.core.events import (
    ClientToolCalled,
    EngineEvent,
    FinalTranscript,
    MetricMeasured,
    PartialTranscript,
    ProviderSwitched,
    ReplySentence,
    ReplyText,
    SessionEndRequested,
    StageFailed,
    ToolInvoked,
    UsageReported,
)
from interaction.core.types import Message, ResponseOptions, Stage

REPORT = "cascade.report"
"""The ``type`` of a stage's messages on the channel layer."""

Says = Literal["beat", "queued", "event", "finished"]

_EVENTS: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        PartialTranscript,
        FinalTranscript,
        ReplySentence,
        ReplyText,
        MetricMeasured,
        ProviderSwitched,
        ToolInvoked,
        SessionEndRequested,
        ClientToolCalled,
        UsageReported,
        StageFailed,
    )
}


@dataclass(frozen=True, slots=True)
class StageRequest:
    """Which work a stage is to do, for whom, and where its news goes."""

    spec: SessionSpec
    turn_id: UUID
    channel: str
    """The web process's channel; empty where nobody listens any more."""
    stage: Stage
    reply_id: UUID | None = None
    n: int = 0
    """The sentence that is to be synthesised; otherwise which of several runs."""
    options: ResponseOptions = field(default_factory=ResponseOptions)
    """Of the reply."""
    committed: bool = True
    """False where the reply is prepared before the turn is sure to have ended."""

    @property
    def job(self) -> Job:
        return Job(self.stage, self.turn_id, self.reply_id or self.turn_id, self.n)

    def onward(self, stage: Stage, reply_id: UUID, n: int = 0, **more: Any) -> StageRequest:
        """The ticket of the stage that comes after this one."""
        return replace(self, stage=stage, reply_id=reply_id, n=n, **more)

    def facts(self) -> dict[str, Any]:
        """For a log line."""
        return {
            "session": self.spec.session_id,
            "turn": self.turn_id,
            "reply": self.reply_id,
            "stage": self.stage,
            "sentence": self.n if self.stage == "tts" else None,
        }


class StageReport(NamedTuple):
    """One message of a running stage. ``number`` counts the ones that must not be lost."""

    session: UUID
    job: Job
    number: int
    says: Says
    event: EngineEvent | None = None
    queued: Job | None = None


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(cls: type[Any]) -> TypeAdapter[Any]:
    return _adapters.get(cls) or _adapters.setdefault(cls, TypeAdapter(cls))


def dump(value: Any) -> Any:
    """A dataclass of ours as JSON-able data."""
    return _adapter(type(value)).dump_python(value, mode="json")


def load_request(raw: dict[str, Any]) -> StageRequest:
    ticket: StageRequest = _adapter(StageRequest).validate_python(raw)
    return ticket


def load(cls: type[Any], raw: Any) -> Any:
    return _adapter(cls).validate_python(raw)


_context: TypeAdapter[tuple[Message, ...]] = TypeAdapter(tuple[Message, ...])


def dump_context(context: tuple[Message, ...]) -> Any:
    return _context.dump_python(context, mode="json")


def load_context(raw: Any) -> tuple[Message, ...]:
    return _context.validate_python(raw)


def pack_report(report: StageReport) -> dict[str, Any]:
    message: dict[str, Any] = {
        "type": REPORT,
        "session": str(report.session),
        "job": _pack_job(report.job),
        "number": report.number,
        "says": report.says,
    }
    if report.event is not None:
        message["event"] = [type(report.event).__name__, dump(report.event)]
    if report.queued is not None:
        message["queued"] = _pack_job(report.queued)
    return message


def unpack_report(message: dict[str, Any]) -> StageReport:
    """Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is no report."""
    event = queued = None
    if "event" in message:
        name, fields = message["event"]
        event = _adapter(_EVENTS[name]).validate_python(fields)
    if "queued" in message:
        queued = _unpack_job(message["queued"])
    job = _unpack_job(message["job"])
    return StageReport(
        UUID(message["session"]), job, int(message["number"]), message["says"], event, queued
    )


def _pack_job(job: Job) -> list[Any]:
    return [job.stage, str(job.turn), str(job.subject), job.n]


def _unpack_job(raw: list[Any]) -> Job:
    stage, turn, subject, n = raw
    return Job(stage, UUID(turn), UUID(subject), n)
