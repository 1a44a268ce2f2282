"""An unexpected exception is logged by its types and frames; its words may be somebody's."""

from __future__ import annotations

import logging

import pytest

from interaction.safe_logging import log_crash, without_text
from voiceproject.logs import KeyValueFormatter

WORDS = "my name is john"

logger = logging.getLogger(__name__)


class Outer:
    class OddError(Exception):
        """Writes words whatever it is asked for."""

        def __str__(self) -> str:
            return WORDS

        __repr__ = __str__


def break_down() -> None:
    raise Outer.OddError(WORDS)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def caught_of_a_chain() -> Exception:
    try:
        try:
            try:
                break_down()
            except Outer.OddError as error:
                raise KeyError(WORDS) from error
        finally:
            raise ValueError(WORDS)
    except ValueError as error:
        error.add_note(WORDS)
        return error


@pytest.fixture(params=["the log's own", "with exception texts", "logging's"])
def formatter(request: pytest.FixtureRequest) -> logging.Formatter:
    """Whoever writes the record, development included, has no words to write."""
    if request.param == "logging's":
        return logging.Formatter()
    return KeyValueFormatter(exception_texts=request.param == "with exception texts")


def logged(
    error: BaseException, caplog: pytest.LogCaptureFixture, formatter: logging.Formatter
) -> str:
    caplog.clear()
    log_crash(logger, error, {"session": "s1"}, "it broke")
    (record,) = caplog.records
    assert record.exc_info and record.exc_info[0]
    assert record.funcName == "logged"
    assert vars(record)["session"] == "s1"
    return formatter.format(record)


def test_the_real_type_and_the_frames_are_there_and_the_words_are_not(
    caplog: pytest.LogCaptureFixture, formatter: logging.Formatter
) -> None:
    try:
        break_down()
    except Outer.OddError as error:
        written = logged(error, caplog, formatter)
    assert "it broke: interaction.tests.test_safe_logging.Outer.OddError" in written
    assert written.rstrip().endswith("interaction.tests.test_safe_logging.Outer.OddError")
    assert "in break_down" in written
    assert WORDS not in written


def test_what_an_exception_came_of_is_there_by_types_and_frames(
    caplog: pytest.LogCaptureFixture, formatter: logging.Formatter
) -> None:
    written = logged(caught_of_a_chain(), caplog, formatter)
    assert "it broke: builtins.ValueError" in written
    assert all(name in written for name in ("ValueError", "KeyError", "Outer.OddError"))
    assert "in break_down" in written
    assert WORDS not in written


def test_an_exception_group_is_logged_with_its_members_types_and_frames(
    caplog: pytest.LogCaptureFixture, formatter: logging.Formatter
) -> None:
    inner = ExceptionGroup(WORDS, [caught_of_a_chain(), raised(TypeError(WORDS))])
    group = raised(ExceptionGroup(WORDS, [inner, raised(LookupError(WORDS))]))
    written = logged(group, caplog, formatter)
    assert "it broke: builtins.ValueError, builtins.TypeError, builtins.LookupError" in written
    assert "ExceptionGroup" in written
    traceback = written.partition("LookupError")[2]
    for name in ("ValueError", "TypeError", "LookupError", "KeyError", "Outer.OddError"):
        assert name in traceback
    assert "in break_down" in traceback
    assert WORDS not in written


def test_a_chain_that_closes_in_a_circle_is_logged_once_round(
    caplog: pytest.LogCaptureFixture, formatter: logging.Formatter
) -> None:
    one, other = ValueError(WORDS), KeyError(WORDS)
    one.__cause__, other.__cause__ = other, one
    written = logged(one, caplog, formatter)
    assert "KeyError" in written
    assert WORDS not in written


def test_a_cancellation_in_a_group_is_named_too(
    caplog: pytest.LogCaptureFixture, formatter: logging.Formatter
) -> None:
    group = BaseExceptionGroup(WORDS, [KeyboardInterrupt(WORDS), ValueError(WORDS)])
    written = logged(group, caplog, formatter)
    assert "it broke: builtins.KeyboardInterrupt, builtins.ValueError" in written
    assert WORDS not in written


def test_the_copy_leaves_the_exception_as_it_was() -> None:
    error = caught_of_a_chain()
    bare = without_text(error)
    assert (str(bare), bare.args) == ("", ())
    assert error.args == (WORDS,)
    assert bare.__traceback__ is error.__traceback__
    assert not isinstance(bare, ValueError)
