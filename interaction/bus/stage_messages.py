"""What travels between the web side and the stages: requests one way, reports the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

from pydantic import TypeAdapter

from interaction.bus.stage_watchdog import Job
from interaction.core.engine import SessionSpec
from interaction.core.events import EngineEvent
from interaction.core.types import Message, ResponseOptions, Stage

REPORT_TYPE = "cascade.report"
"""The ``type`` of a stage's messages on the channel layer."""

ReportKind = Literal["beat", "queued", "event", "finished"]

_EVENTS: dict[str, type[Any]] = {cls.__name__: cls for cls in get_args(EngineEvent)}
"""By name: whatever an engine may report, a stage may."""


@dataclass(frozen=True, slots=True)
class StageRequest:
    """One run of a stage: for which turn, with which settings, and where its reports go.

    It is the argument of the stage's Celery task.
    """

    spec: SessionSpec
    turn_id: UUID
    channel: str
    """The channel of the web process that has the session; empty where none has it any more."""
    stage: Stage
    reply_id: UUID | None = None
    index: int = 0
    """The sentence that is to be synthesised; otherwise which of several runs."""
    options: ResponseOptions = field(default_factory=ResponseOptions)
    """How the reply is to be made."""
    committed: bool = True
    """False where the reply is prepared before the turn is sure to have ended."""

    @property
    def job(self) -> Job:
        return Job(self.stage, self.turn_id, self.reply_id or self.turn_id, self.index)

    def next_stage(
        self, stage: Stage, reply_id: UUID, index: int = 0, **changes: Any
    ) -> StageRequest:
        """The request for a stage that works on what this one has made."""
        return replace(self, stage=stage, reply_id=reply_id, index=index, **changes)

    def log_facts(self) -> dict[str, Any]:
        """For ``extra=`` of a log line."""
        return {
            "session": self.spec.session_id,
            "turn": self.turn_id,
            "reply": self.reply_id,
            "stage": self.stage,
            "sentence": self.index if self.stage == "tts" else None,
        }


class StageReport(NamedTuple):
    """One message of a running stage."""

    session: UUID
    job: Job
    number: int
    """Index among the stage's reports other than beats, which must not be lost; of a beat, how many
    there were so far."""
    kind: ReportKind
    event: EngineEvent | None = None
    """What happened, where ``kind`` is ``event``."""
    queued: Job | None = None
    """The stage that was requested, where ``kind`` is ``queued``."""


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(cls: type[Any]) -> TypeAdapter[Any]:
    return _adapters.get(cls) or _adapters.setdefault(cls, TypeAdapter(cls))


def dump(value: Any) -> Any:
    """A dataclass as data that JSON can hold."""
    return _adapter(type(value)).dump_python(value, mode="json")


def load_request(raw: dict[str, Any]) -> StageRequest:
    request: StageRequest = _adapter(StageRequest).validate_python(raw)
    return request


def load(cls: type[Any], raw: Any) -> Any:
    """The dataclass of type ``cls`` that ``dump`` made ``raw`` of."""
    return _adapter(cls).validate_python(raw)


_context: TypeAdapter[tuple[Message, ...]] = TypeAdapter(tuple[Message, ...])


def dump_context(context: tuple[Message, ...]) -> Any:
    return _context.dump_python(context, mode="json")


def load_context(raw: Any) -> tuple[Message, ...]:
    return _context.validate_python(raw)


def pack_report(report: StageReport) -> dict[str, Any]:
    """A report as a message of the channel layer."""
    message: dict[str, Any] = {
        "type": REPORT_TYPE,
        "session": str(report.session),
        "job": _pack_job(report.job),
        "number": report.number,
        "kind": report.kind,
    }
    if report.event is not None:
        message["event"] = [type(report.event).__name__, dump(report.event)]
    if report.queued is not None:
        message["queued"] = _pack_job(report.queued)
    return message


def unpack_report(message: dict[str, Any]) -> StageReport:
    """The report that ``pack_report`` made the message of. Raises ``KeyError``, ``TypeError`` or
    ``ValueError`` for anything else."""
    event = queued = None
    if "event" in message:
        name, fields = message["event"]
        event = _adapter(_EVENTS[name]).validate_python(fields)
    if "queued" in message:
        queued = _unpack_job(message["queued"])
    job = _unpack_job(message["job"])
    return StageReport(
        UUID(message["session"]), job, int(message["number"]), message["kind"], event, queued
    )


def _pack_job(job: Job) -> list[Any]:
    return [job.stage, str(job.turn), str(job.subject), job.index]


def _unpack_job(raw: list[Any]) -> Job:
    stage, turn, subject, index = raw
    return Job(stage, UUID(turn), UUID(subject), index)
