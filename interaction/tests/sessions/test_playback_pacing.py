from __future__ import annotations

from interaction.sessions.playback_pacing import AHEAD_MS, PlaybackPacing


def test_the_first_piece_goes_at_once() -> None:
    assert PlaybackPacing().wait_s(0) == 0


def test_a_client_that_never_reports_is_taken_to_play_by_the_clock() -> None:
    pace = PlaybackPacing()
    pace.on_sent(AHEAD_MS + 500, now=100)
    wait = pace.wait_s(100)
    assert wait is not None
    assert 0.5 <= wait < 0.6
    assert pace.wait_s(100 + wait) == 0


def test_a_client_that_reports_is_waited_for() -> None:
    pace = PlaybackPacing()
    pace.on_playback(0)
    pace.on_sent(AHEAD_MS, now=100)
    assert pace.wait_s(1_000) is None
    pace.on_playback(1)
    assert pace.wait_s(1_000) == 0


def test_another_reply_begins_at_nothing_sent() -> None:
    pace = PlaybackPacing()
    pace.on_playback(0)
    pace.on_sent(AHEAD_MS, now=100)
    pace.start_reply()
    assert pace.wait_s(101) == 0
    pace.on_sent(AHEAD_MS, now=101)
    assert pace.wait_s(102) is None, "it is still known that this client reports"
