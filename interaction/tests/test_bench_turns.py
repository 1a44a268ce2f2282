"""``manage.py bench_turns`` over a corpus of a few cases."""

from __future__ import annotations

import json
import wave
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from interaction.audio.resample import Resampler

pytestmark = pytest.mark.unit

SILENCE = bytes(2 * 16_000)


def question() -> tuple[bytes, float, float]:
    """Somebody asks a question after a second of silence: audio at 16 kHz, onset and end in s."""
    with wave.open(str(settings.BASE_DIR / "docs/question.wav")) as file:
        resampler = Resampler(file.getframerate(), 16_000)
        spoken = resampler.feed(file.readframes(file.getnframes())) + resampler.finish()
    pcm = SILENCE + spoken + 3 * SILENCE
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, dtype="<i2").astype(int)) > 800)
    return pcm, float(loud[0]) / 16_000, float(loud[-1]) / 16_000


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    asked, onset, end = question()
    speech = [[onset, end]]
    over = {"reply_at": 0.1}
    cases: list[tuple[dict[str, Any], bytes]] = [
        ({"cls": "complete", "speech": speech}, asked),
        ({"cls": "hesitation", "speech": [[onset, end + 2]], "pauses": [1.0]}, asked),
        ({"cls": "gap", "speech": speech}, asked),
        ({"cls": "interruption", "speech": speech, **over}, asked),
        ({"cls": "cough", "speech": speech, **over}, 5 * SILENCE),
        ({"cls": "echo", "speech": [], "echo_db": -6, **over}, asked),
        ({"cls": "interruption", "speech": [[99, 100]], "noise": "crowd", **over}, asked),
    ]
    (tmp_path / "mic").mkdir()
    lines = []
    for number, (case, pcm) in enumerate(cases):
        lines.append(json.dumps({"id": f"{number}", "text": "", "snr": 20, **case}))
        with wave.open(str(tmp_path / "mic" / f"{number}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(pcm)
    (tmp_path / "cases.jsonl").write_text("\n".join(lines))
    return tmp_path


def bench(corpus: Path, *options: str) -> str:
    out = StringIO()
    call_command("bench_turns", str(corpus), "--no-words", *options, stdout=out)
    return out.getvalue()


def test_what_came_of_each_case_is_told(corpus: Path) -> None:
    told = json.loads(bench(corpus, "--json", "--barge-in", "immediate"))
    assert {row: line["shares"] for row, line in told["rows"].items()} == {
        "complete": {"whole": 1.0},
        "hesitation": {"cut": 1.0},
        "hesitation, pause 1.0 s": {"cut": 1.0},
        "gap": {"answered": 1.0},
        "interruption": {"yielded": 1.0},
        "cough": {"talked through": 1.0},
        "echo -6 dB": {"yielded": 1.0},
        "interruption, crowd": {"early": 1.0},
    }
    (delay, _) = told["rows"]["complete"]["delay_ms"]
    assert 500 < delay < 1_000


def test_who_is_not_understood_is_heard_while_the_reply_goes_on_softer(corpus: Path) -> None:
    rows = json.loads(bench(corpus, "--json"))["rows"]
    assert rows["interruption"]["shares"] == {"talked through": 1.0}
    assert (rows["interruption"]["ducked"], rows["cough"]["ducked"]) == (1.0, 0.0)
    (duck_ms, _) = rows["interruption"]["duck_ms"]
    assert 64 <= duck_ms < 160


def test_the_settings_are_those_that_were_asked_for(corpus: Path) -> None:
    told = json.loads(bench(corpus, "--json", "--set", "silence_ms=900", "--barge-in", "off"))
    assert told["turn_detection"]["silence_ms"] == 900
    assert told["rows"]["interruption"]["shares"] == {"talked through": 1.0}


def test_the_table_has_a_line_a_row(corpus: Path) -> None:
    shown = bench(corpus, "--turns", "semantic", "--class", "complete", "--class", "cough")
    assert "complete" in shown and "cough" in shown and "hesitation" not in shown


def test_a_setting_without_a_value_is_refused(corpus: Path) -> None:
    with pytest.raises(CommandError, match="NAME=VALUE"):
        bench(corpus, "--set", "silence_ms")


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"cases\.jsonl"):
        bench(tmp_path)
