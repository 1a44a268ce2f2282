"""What a log line looks like, and what it never holds."""

from __future__ import annotations

import logging
import sys

import pytest
from redis.exceptions import ConnectionError as RedisIsAway

from voiceproject.logs import KeyValueFormatter, LostRedis, only_crashes

SAID = "my name is john"


def line(message: str, name: str = "interaction.cascade", **facts: object) -> str:
    record = logging.makeLogRecord(
        {"name": name, "levelname": "WARNING", "msg": message, "created": 0.5, **facts}
    )
    return KeyValueFormatter().format(record)


def test_facts_follow_the_message_as_key_value_pairs() -> None:
    assert line("stage failed", stage="stt", turn="t1", code="provider_timeout") == (
        '1970-01-01T00:00:00.500Z WARNING interaction.cascade "stage failed" '
        "turn=t1 stage=stt code=provider_timeout"
    )


@pytest.mark.parametrize(
    ("value", "written"), [("two words", '"two words"'), ("a=b", '"a=b"'), ("", '""'), (3, "3")]
)
def test_a_value_reads_back_as_one_word(value: object, written: str) -> None:
    assert line("x", provider=value).endswith(f" provider={written}")


def test_an_exception_is_told_by_its_frames_and_types_without_its_text() -> None:
    try:
        try:
            raise ValueError(SAID)
        except ValueError as error:
            raise RuntimeError(SAID) from error
    except RuntimeError:
        told = line("broken", exc_info=sys.exc_info())
    assert "builtins.RuntimeError\nwhich came of\n" in told
    assert "builtins.ValueError" in told
    assert "in test_an_exception_is_told" in told
    # The frames quote source lines, which hold names, never values.
    assert SAID not in told


def test_an_exception_group_is_told_with_its_members() -> None:
    try:
        raise ExceptionGroup(SAID, [ValueError(SAID), ExceptionGroup(SAID, [KeyError(SAID)])])
    except ExceptionGroup:
        told = line("broken", exc_info=sys.exc_info())
    assert "builtins.ExceptionGroup\nwhich held\n    builtins.ValueError\n    and\n" in told
    assert told.endswith("    builtins.ExceptionGroup\n    which held\n        builtins.KeyError")
    assert SAID not in told


def test_celerys_dump_of_a_task_is_cut_off() -> None:
    told = line(f"Received unregistered task of type 'x'.\nfull contents: {SAID}", "celery.worker")
    assert told.endswith("\"Received unregistered task of type 'x'.\"")


def test_celerys_quote_of_an_exception_is_cut_off() -> None:
    record = f"Task x[1] raised unexpected: ValueError({SAID!r})"
    told = line(record, "celery.app.trace", exc_info=(None, None, None))
    assert SAID not in told


def test_an_answer_that_a_view_chose_is_no_event() -> None:
    chosen = logging.makeLogRecord({"msg": "Service Unavailable"})
    crash = logging.makeLogRecord({"msg": "x", "exc_info": (ValueError, ValueError(), None)})
    assert [only_crashes(chosen), only_crashes(crash)] == [False, True]


def test_a_lost_redis_is_one_line_for_each_time_that_it_is_lost() -> None:
    told = LostRedis()

    def lines(at: float, error: Exception) -> list[str]:
        record = logging.makeLogRecord(
            {
                "name": "channels_redis.pubsub",
                "levelname": "ERROR",
                "created": at,
                "msg": "Unexpected exception",
                "exc_info": (type(error), error, None),
            }
        )
        return [KeyValueFormatter().format(record)] if told.filter(record) else []

    away = RedisIsAway(SAID)
    (line,) = [line for second in range(30) for line in lines(second, away)]
    assert line.endswith(
        'ERROR channels_redis.pubsub "redis does not answer: check that it runs" part=redis'
    )
    assert len(lines(60, away)) == 1
    assert "builtins.KeyError" in lines(60.5, KeyError())[0]


def test_the_channel_layer_is_told_to_be_brief() -> None:
    filters = logging.getLogger("channels_redis.pubsub").filters
    assert any(isinstance(one, LostRedis) for one in filters)
