"""What stages report arrives as it was, whatever it is."""

from __future__ import annotations

import json
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interaction.bus.stage_messages import StageReport, pack_report, unpack_report
from interaction.bus.stage_watchdog import Job
from interaction.core.events import EngineEvent, ReplyAudio

TURN, REPLY = UUID(int=1), UUID(int=2)
TOLD: list[type[Any]] = [cls for cls in get_args(EngineEvent) if cls is not ReplyAudio]
"""Audio has a stream of its own."""


@pytest.mark.parametrize("event", TOLD, ids=lambda event: event.__name__)
@settings(max_examples=10)
@given(data=st.data())
def test_every_event_of_an_engine_can_be_reported_by_a_stage(
    event: type[Any], data: st.DataObject
) -> None:
    happened = data.draw(st.from_type(event))
    report = StageReport(UUID(int=3), Job("llm", TURN, REPLY), 1, "event", happened)
    sent = json.loads(json.dumps(pack_report(report)))
    assert repr(unpack_report(sent)) == repr(report), "NaN, too, which equals nothing"
