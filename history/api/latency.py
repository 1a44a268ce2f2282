"""Latency figures over REST: of one session, and of all that fit a filter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Annotated, Any, Literal, cast

import numpy as np
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Schema
from numpy.typing import NDArray
from pydantic import BaseModel, Field, create_model

from history.api.hearing import router
from history.api.sessions import SessionId
from history.filters import SessionFilter
from history.latency.columns import MEASURES, TOTAL, Columns, of_session, select
from history.latency.statistics import Figures, grouped
from history.queries import sessions_of
from interaction.api.access import Caller
from interaction.api.document import answers
from interaction.api.errors import ApiError, errors
from interaction.core.types import Mode
from interaction.edges.parley.messages import Latency
from interaction.sessions.settings import WireModel

__all__ = ["RESOURCES", "router"]

OPERATION = "interaction_api_sessions_"


class FirstTurns(WireModel):
    """The first turn of each session apart: it often waits for connections to be opened. The
    figures beside it hold it too."""

    count: int
    """First turns in which the metric is known."""
    p50: float | None
    """Their median; of one session: what its first turn took. Null where none is known."""


class MetricFigures(WireModel):
    """A metric over several turns, in ms. Where it is unknown a turn counts nowhere; of no turn at
    all the figures are null."""

    count: int
    """Turns in which the metric is known: what the figures rest on."""
    avg: float | None
    """The mean over these turns."""
    min: float | None
    """What the quickest of them took."""
    max: float | None
    """What the slowest of them took."""
    p50: float | None
    """The median. Percentiles lie between two neighbours where the rank says (numpy's
    ``linear``)."""
    p95: float | None
    """The 95th percentile: one turn of twenty took longer."""
    p50_low: float | None
    """Where the median's 95 % interval begins: by order statistics, for turns that are independent
    of each other. Null of fewer than six turns."""
    p50_high: float | None
    """Where that interval ends."""
    first_turns: FirstTurns
    """The same of first turns alone."""


_DESCRIPTIONS = {name: field.description for name, field in Latency.model_fields.items()} | {
    TOTAL: "What pages show as a turn's total: `ear`, where no client has measured it `e2e`."
}
_FIELDS: dict[str, Any] = {
    name: Annotated[MetricFigures, Field(description=_DESCRIPTIONS[name])] for name in MEASURES
}
_Metrics = create_model("_Metrics", __base__=WireModel, **_FIELDS)


class MetricsFigures(_Metrics):  # type: ignore[valid-type, misc] # its fields are known at run time alone
    """Figures of each metric of the protocol, and of the turns' totals."""


class LatencyGroup(WireModel):
    """The turns that one provider, model or mode served, fallbacks included."""

    mode: Mode | None
    """By which they were served, where they are grouped by mode; else null."""
    stage: Literal["stt", "llm", "tts", "realtime"] | None
    """The stage that was served; null where it is grouped by mode."""
    provider: str | None
    """Who served the stage; null where they are grouped by mode."""
    model: str | None
    """The provider's model, empty for its default; null where they are not grouped by model."""
    turns: int
    """How many turns the group has."""
    metrics: MetricsFigures
    """What they took."""


class LatencyStats(WireModel):
    """How long turns took, over all that were chosen."""

    sessions: int
    """Sessions that have turns."""
    turns: int
    """All of their turns."""
    interrupted: int
    """Turns whose reply was interrupted."""
    failed: int
    """Turns that have an error."""
    metrics: MetricsFigures
    """What the turns took."""
    groups: list[LatencyGroup]
    """By who served them; empty without `group_by`."""


class Grouping(Schema):
    group_by: Annotated[
        Literal["provider", "model", "mode"] | None,
        Field(description="Adds `groups`: the same figures by who served a turn."),
    ] = None
    stage: Annotated[
        Literal["stt", "llm", "tts", "realtime"] | None,
        Field(description="Whose provider or model; required with these, and with these alone."),
    ] = None


@router.get(
    "/latency-stats",
    response={200: LatencyStats, **errors(422)},
    operation_id=f"{OPERATION}latency_stats",
    summary="Measure all turns of the sessions you choose",
    openapi_extra=answers({200: "The figures."}),
)
def latency_stats(
    request: Caller, wanted: Query[SessionFilter], grouping: Query[Grouping]
) -> LatencyStats:
    """Figures over all turns of the caller's sessions that fit the parameters of the list."""
    _check(grouping)
    return _stats(select(request.auth, wanted), grouping)


@router.get(
    "/{uuid:session_id}/latency-stats",
    response={200: LatencyStats, **errors(404, 422)},
    operation_id=f"{OPERATION}session_latency_stats",
    summary="Measure the turns of a session",
    openapi_extra=answers({200: "The figures."}),
)
def session_latency_stats(
    request: Caller, session_id: SessionId, grouping: Query[Grouping]
) -> LatencyStats:
    """Figures over all turns of the session."""
    _check(grouping)
    session = get_object_or_404(sessions_of(request.auth), pk=session_id)
    return _stats(of_session(session.pk), grouping)


def _check(grouping: Grouping) -> None:
    needs_stage = grouping.group_by in ("provider", "model")
    if needs_stage and grouping.stage is None:
        message = _("stage: say whose provider or model: stt, llm, tts or realtime.")
        raise ApiError(422, "invalid_fields", message)
    if grouping.stage and not needs_stage:
        message = _("stage: it goes with group_by=provider or group_by=model alone.")
        raise ApiError(422, "invalid_fields", message)


def _stats(columns: Columns, grouping: Grouping) -> LatencyStats:
    [metrics] = _metrics(columns, None, 1)
    return LatencyStats(
        sessions=len(columns.sessions),
        turns=len(columns),
        interrupted=columns.interrupted,
        failed=columns.failed,
        metrics=metrics,
        groups=list(_groups(columns, grouping)),
    )


def _groups(columns: Columns, grouping: Grouping) -> Iterable[LatencyGroup]:
    if grouping.group_by is None:
        return
    group, labels = columns.grouped_by(grouping.group_by, grouping.stage)
    for number, (label, metrics) in enumerate(
        zip(labels, _metrics(columns, group, len(labels)), strict=True)
    ):
        yield LatencyGroup(
            mode=cast("Mode | None", label.mode),
            stage=grouping.stage,
            provider=label.provider,
            model=label.model,
            turns=int((group == number).sum()),
            metrics=metrics,
        )


def _metrics(columns: Columns, group: NDArray[Any] | None, groups: int) -> list[MetricsFigures]:
    """The figures of each group. ``group``: of each turn; None where all are in one."""
    first = np.flatnonzero(columns.first)
    group_of_first = None if group is None else group[first]
    by_measure = {
        name: [
            MetricFigures(
                **{name: getattr(whole, name) for name in _FIGURES},
                first_turns=FirstTurns(count=first_one.count, p50=first_one.p50),
            )
            for whole, first_one in zip(
                grouped(durations, group, groups),
                grouped(durations[first], group_of_first, groups),
                strict=True,
            )
        ]
        for name, durations in columns.measures.items()
    }
    return [
        MetricsFigures(**{name: of_groups[number] for name, of_groups in by_measure.items()})
        for number in range(groups)
    ]


_FIGURES = [field.name for field in fields(Figures)]

RESOURCES: dict[str, type[BaseModel]] = {"latency_stats": LatencyStats}
