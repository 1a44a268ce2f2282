from __future__ import annotations

from uuid import uuid4

from interaction.bus.stage_watchdog import (
    BEAT_WITHIN,
    LONGEST_OUTAGE,
    START_WITHIN,
    Job,
    StageWatchdog,
)

TURN = uuid4()
JOB = Job("stt", TURN, TURN)
NEXT = Job("llm", TURN, uuid4())


def looked(
    watch: StageWatchdog, start: float, end: float, linked: bool = True
) -> list[tuple[float, Job]]:
    """Look five times a second, as the hub does; return who was lost, and when."""
    lost = []
    now = start
    while now < end:
        jobs, silent = watch.check(now, linked)
        lost += [(now, job) for job in [*jobs, *silent]]
        now += 0.2
    return lost


def test_a_stage_that_never_starts_is_lost() -> None:
    watch = StageWatchdog()
    watch.on_queued(JOB, 0)
    [(at, job)] = looked(watch, 0, 10)
    assert job == JOB
    assert START_WITHIN <= at < START_WITHIN + 0.3


def test_a_stage_that_stops_beating_is_lost_and_one_that_beats_is_not() -> None:
    watch = StageWatchdog()
    watch.on_queued(JOB, 0)
    watch.on_queued(NEXT, 0)
    for i in range(20):
        watch.on_beat(NEXT, 0, i / 2)
        if i < 4:
            watch.on_beat(JOB, 0, i / 2)
        lost = looked(watch, i / 2, i / 2 + 0.5)
        assert [job for _, job in lost] == (
            [JOB] if i / 2 + 0.5 > 1.5 + BEAT_WITHIN >= i / 2 else []
        )


def test_a_stage_that_finished_is_not_missed() -> None:
    watch = StageWatchdog()
    watch.on_queued(JOB, 0)
    watch.on_finished(JOB)
    assert not looked(watch, 0, 10)


def test_a_lost_message_shows_in_the_next_one() -> None:
    watch = StageWatchdog()
    watch.on_queued(JOB, 0)
    assert watch.on_report(JOB, 0, 0.1)
    assert watch.on_report(JOB, 2, 0.2) is False


def test_a_lost_message_shows_in_the_next_beat() -> None:
    watch = StageWatchdog()
    watch.on_queued(JOB, 0)
    assert watch.on_beat(JOB, 0, 0.1)
    assert not watch.on_beat(JOB, 1, 0.2)


def test_a_repeated_message_is_known_as_one() -> None:
    watch = StageWatchdog()
    watch.on_queued(JOB, 0)
    assert watch.on_report(JOB, 0, 0.1)
    assert watch.on_report(JOB, 0, 0.2) is None


def test_nobody_is_judged_while_the_line_to_redis_is_down() -> None:
    watch = StageWatchdog()
    watch.on_queued(JOB, 0)
    watch.on_beat(JOB, 0, 0)
    looked(watch, 0, 1)
    assert not looked(watch, 1, 6, linked=False)
    assert not looked(watch, 6, 6.5)
    assert [job for _, job in looked(watch, 6.5, 9)] == [JOB]


def test_an_outage_that_lasts_too_long_loses_the_stage() -> None:
    watch = StageWatchdog()
    watch.on_queued(JOB, 0)
    [(at, _)] = looked(watch, 0, 30, linked=False)
    assert LONGEST_OUTAGE <= at < LONGEST_OUTAGE + START_WITHIN + 1


def test_a_process_that_stood_still_blames_nobody_for_it() -> None:
    watch = StageWatchdog()
    watch.check(0, linked=True)
    watch.on_queued(JOB, 0)
    assert watch.check(5, linked=True) == ([], [])
    watch.on_beat(JOB, 0, 5.1)
    assert not looked(watch, 5.2, 7)


def test_audio_that_a_finished_synthesis_left_unread_is_lost() -> None:
    watch = StageWatchdog()
    speech = Job("tts", TURN, NEXT.subject, 0)
    watch.expect_audio(speech, 0)
    watch.on_audio(speech, 1, last=False)
    assert watch.check(2.9, linked=True) == ([], [])
    assert watch.check(3.1, linked=True) == ([], [speech])


def test_audio_that_came_to_its_end_is_not_missed() -> None:
    watch = StageWatchdog()
    speech = Job("tts", TURN, NEXT.subject, 0)
    watch.expect_audio(speech, 0)
    watch.on_audio(speech, 1, last=True)
    assert not looked(watch, 1, 10)
