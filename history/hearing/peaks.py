"""How loud both sides of a conversation are along its axis: what its waveforms are drawn from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import IntegrityError, transaction

from history.hearing.axis import Axis, PlacedTurn, Span
from history.hearing.recordings import Recording
from history.models import TurnPeaks
from interaction.models import Session, Turn

STEP_MS = 20
LOUDEST = 255
ROWS_AT_ONCE = 50
"""Turns whose peaks are written in one transaction: live sessions write, too."""


def along(axis: Axis) -> tuple[bytes, bytes]:
    """The person's and the agent's peaks: a byte for each ``STEP_MS`` of the axis, 0 where nothing
    sounds; the square root of the loudness, which the eye compares better. One query, and what was
    never measured is measured now."""
    sessions = {placed.turn.session_id for placed in axis.turns}
    kept = TurnPeaks.objects.filter(turn__session__in=sessions)
    known: dict[UUID, TurnPeaks] = {row.turn_id: row for row in kept}
    missing = [placed.turn for placed in axis.turns if not _fits(placed.turn, known)]
    known |= {row.turn_id: row for row in _measure_all(missing)}
    count = -(-axis.ms // STEP_MS)
    lanes = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    for placed in axis.turns:
        if row := known.get(placed.turn.pk):
            _draw(lanes[0], _span(placed, "user"), bytes(row.user))
            _draw(lanes[1], _span(placed, "agent"), bytes(row.agent))
    return lanes[0].tobytes(), lanes[1].tobytes()


def on_session_saved(
    instance: Session, update_fields: Iterable[str] | None = None, **_: Any
) -> None:
    """Whose recordings go because the consent to them was taken back, of that no wave stays."""
    if "recording_revoked_at" in (update_fields or ()):
        TurnPeaks.objects.filter(turn__session=instance).delete()


def measure(samples: npt.NDArray[np.int16], rate: int) -> bytes:
    """A recording's peaks, a byte a step."""
    step = rate * STEP_MS // 1000
    padded = np.zeros(-(-len(samples) // step) * step, np.float32)
    padded[: len(samples)] = np.abs(samples.astype(np.float32))
    loudest = padded.reshape(-1, step).max(axis=1) / 32768
    peaks: npt.NDArray[np.uint8] = np.rint(np.sqrt(loudest) * LOUDEST).astype(np.uint8)
    return peaks.tobytes()


def _span(placed: PlacedTurn, side: str) -> Span | None:
    if not placed.turn.audio(side):
        return None
    return placed.user if side == "user" else placed.agent


def _draw(lane: npt.NDArray[np.uint8], span: Span | None, peaks: bytes) -> None:
    if span is None:
        return
    start = span.start // STEP_MS
    heard = np.frombuffer(peaks, np.uint8)[: -(-span.ms // STEP_MS)]
    place = lane[start : start + len(heard)]
    np.maximum(place, heard[: len(place)], out=place)


def _fits(turn: Turn, known: dict[UUID, TurnPeaks]) -> bool:
    """Whether the row is of the recordings that the turn has; a lost file's peaks are empty."""
    row = known.get(turn.pk)
    lengths = [(turn.user_audio, turn.user_audio_ms), (turn.agent_audio, turn.agent_audio_ms)]
    expected = [-(-(ms or 0) // STEP_MS) if file else 0 for file, ms in lengths]
    if row is None:
        return not any(expected)
    got = [len(row.user), len(row.agent)]
    return all(abs(a - b) <= 1 for a, b in zip(got, expected, strict=True))


def _measure_all(turns: Iterable[Turn]) -> Iterator[TurnPeaks]:
    rows: list[TurnPeaks] = []
    for turn in turns:
        rows.append(TurnPeaks(turn_id=turn.pk, user=_of(turn, "user"), agent=_of(turn, "agent")))
        yield rows[-1]
        if len(rows) == ROWS_AT_ONCE:
            _keep(rows)
            rows = []
    if rows:
        _keep(rows)


def _of(turn: Turn, side: str) -> bytes:
    file, ms = turn.audio(side), turn.user_audio_ms if side == "user" else turn.agent_audio_ms
    if not file:
        return b""
    with Recording(file) as recording:
        measured = measure(*recording.read_raw())
    # What cannot be read is silent, and is not tried again at each look.
    return measured or bytes(-(-(ms or 0) // STEP_MS))


def _keep(rows: list[TurnPeaks]) -> None:
    with contextlib.suppress(IntegrityError), transaction.atomic():  # one was deleted meanwhile
        TurnPeaks.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["turn"], update_fields=["user", "agent"]
        )
