"""The settings of a session as OpenAI's realtime API takes them."""

from __future__ import annotations

import pytest

from interaction.core.config import TurnDetection
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.turn_taking.manual import ManualTurnDetection
from interaction.core.turn_taking.semantic import Eagerness
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.providers.openai.realtime_messages import turn_detection
from interaction.providers.realtime_protocol import RealtimeSessionConfig

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("eagerness", ["low", "medium", "high", "auto"])
@pytest.mark.parametrize("barge_in", [True, False])
def test_the_provider_is_told_how_eager_to_be(eagerness: Eagerness, barge_in: bool) -> None:
    detection = EngineTurnDetection("semantic", eagerness=eagerness)
    wanted = RealtimeSessionConfig("", turn_detection=detection, barge_in=barge_in)
    assert turn_detection(wanted) == {
        "type": "semantic_vad",
        "eagerness": eagerness,
        "create_response": True,
        "interrupt_response": barge_in,
    }


@pytest.mark.parametrize("detection", [VadTurnDetection(), ManualTurnDetection()])
def test_a_provider_that_is_to_find_no_turns_is_told_so(detection: TurnDetection) -> None:
    assert turn_detection(RealtimeSessionConfig("", turn_detection=detection)) is None
