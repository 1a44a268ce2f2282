"""The bar, by stage: one answer in Python and in the browser's script."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.waterfall import Segment, extent, lay_out, total_metric
from interaction.core.metrics import METRIC_NAMES
from voiceproject.environment import BASE_DIR
from voiceproject.testing.plugin import program

Latency = dict[str, float | None]

PLAIN: Latency = {
    "end_of_turn_delay": 600.0,
    "transcription_delay": 680.0,
    "llm_ttfs": 200.0,
    "tts_ttfb": 90.0,
    "e2e": 990.0,
    "ear": 1040.0,
}
EAGER: Latency = PLAIN | {"e2e": 640.0, "ear": 700.0}
TYPED: Latency = {"llm_ttfs": 200.0, "tts_ttfb": 90.0, "e2e": 295.0}
FAILED: Latency = {
    "end_of_turn_delay": 600.0,
    "transcription_delay": 680.0,
    "e2e": None,
    "ear": None,
}
QUICK_TRANSCRIPT: Latency = PLAIN | {"transcription_delay": 400.0, "e2e": 900.0}
WHILE_IT_PLAYS: Latency = {"ear": 1040.0}
CASES = [WHILE_IT_PLAYS, PLAIN, EAGER, TYPED, FAILED, QUICK_TRANSCRIPT, {}]

latencies = st.dictionaries(
    st.sampled_from(METRIC_NAMES), st.none() | st.floats(0, 20_000, allow_nan=False)
)


def test_the_stages_follow_each_other_and_end_at_the_ear() -> None:
    assert lay_out(PLAIN) == (
        1040.0,
        [
            Segment("end_of_turn", 0.0, 600.0),
            Segment("stt", 600.0, 80.0),
            Segment("llm", 680.0, 200.0),
            Segment("tts", 880.0, 90.0),
            Segment("playout", 990.0, 50.0),
        ],
    )


def test_what_ran_before_the_turn_was_sure_to_have_ended_is_hidden_behind_the_wait() -> None:
    total, segments = lay_out(EAGER)
    assert total == 700.0
    assert segments[0] == Segment("end_of_turn", 0.0, 600.0)
    assert [segment.stage for segment in segments][-1] == "playout"


def test_a_turn_that_failed_shows_what_it_got_to() -> None:
    total, segments = lay_out(FAILED)
    assert total is None, "what is known is not added up"
    assert extent(FAILED) == 680.0
    assert [segment.stage for segment in segments] == ["end_of_turn", "stt"]


def test_the_ear_alone_gives_a_total_and_blames_no_stage() -> None:
    assert lay_out(WHILE_IT_PLAYS) == (1040.0, [])


@pytest.mark.parametrize(
    ("latency", "metric"), [(PLAIN, "ear"), (TYPED, "e2e"), (FAILED, None), ({}, None)]
)
def test_the_total_says_what_it_is_measured_to(latency: Latency, metric: str | None) -> None:
    assert total_metric(latency) == metric
    assert (lay_out(latency)[0] is None) == (metric is None)


def test_nothing_known_is_no_bar_and_no_zero() -> None:
    assert lay_out({}) == (None, [])


@given(latencies)
def test_segments_never_overlap_nor_run_backwards(latency: dict[str, float | None]) -> None:
    _, segments = lay_out(latency)
    drawn = 0.0
    for segment in segments:
        assert segment.start >= drawn or segment.start == pytest.approx(drawn)
        assert segment.ms > 0
        drawn = segment.start + segment.ms


@pytest.mark.parametrize("latency", CASES)
def test_the_browser_draws_the_same_bar(latency: dict[str, Any], processes: None) -> None:
    script = (
        "import { layOut } from './static/talk/waterfall.js';"
        "process.stdout.write(JSON.stringify(layOut(JSON.parse(process.argv[1]))));"
    )
    node = [program("node"), "--input-type=module", "--eval", script, json.dumps(latency)]
    ran = subprocess.run(node, check=True, capture_output=True, cwd=BASE_DIR)
    drawn = json.loads(ran.stdout)
    total, segments = lay_out(latency)
    assert drawn["total"] == total
    assert [(s["stage"], s["start"], s["ms"]) for s in drawn["segments"]] == [
        (s.stage, s.start, s.ms) for s in segments
    ]
