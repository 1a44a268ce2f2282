"""A call counts once, as what it came to, with the time that its result took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from interaction.provider_calls import histogram
from interaction.provider_calls.call import ProviderCall
from interaction.provider_calls.tally import Series, Tally, read, total, written

FULL = Tally(5, 1, Counter(provider_timeout=2), Counter({-3: 1, 40: 3}))


class Timed:
    """A call, a clock, and what was counted."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.counted: list[Tally] = []
        self.call = ProviderCall(self.counted.append, lambda: self.seconds)

    def ask(self) -> None:
        self.call.ask()

    def wait(self, ms: float) -> None:
        self.seconds += ms / 1000

    def took(self) -> float | None:
        (tally,) = self.counted
        assert tally.buckets.total() <= 1
        return tally.p50_ms


@pytest.fixture
def timed() -> Timed:
    return Timed()


def near(ms: float) -> object:
    return pytest.approx(ms, rel=histogram.ACCURACY * 1.001)


def test_the_time_is_from_the_request_to_the_first_result(timed: Timed) -> None:
    timed.wait(500)
    timed.ask()
    timed.wait(200)
    timed.call.on_result()
    timed.wait(3_000)
    timed.call.on_result()
    timed.call.succeed()
    assert timed.took() == near(200)


def test_asked_several_times_the_last_answer_counts(timed: Timed) -> None:
    for ms in (100, 300, 70):
        timed.ask()
        timed.wait(ms)
        timed.call.on_result()
    timed.call.succeed()
    assert timed.took() == near(70)


def test_answers_come_in_the_order_of_the_requests(timed: Timed) -> None:
    timed.ask()
    timed.wait(100)
    timed.ask()
    timed.wait(100)
    timed.call.on_result()
    timed.wait(50)
    timed.call.on_result()
    timed.call.succeed()
    assert timed.took() == near(150)


def test_what_nobody_asked_for_has_no_time(timed: Timed) -> None:
    timed.call.on_result()
    timed.call.succeed()
    assert timed.took() is None


@pytest.mark.parametrize("first", ["succeed", "give_up", "fail"])
def test_only_the_first_end_counts(timed: Timed, first: str) -> None:
    ends: dict[str, Callable[[], None]] = {
        "succeed": timed.call.succeed,
        "give_up": timed.call.give_up,
        "fail": lambda: timed.call.fail("provider_refused"),
    }
    ends[first]()
    for end in ends.values():
        end()
    (tally,) = timed.counted
    assert (tally.calls, tally.failed, tally.given_up) == (
        1,
        first == "fail",
        first == "give_up",
    )
    assert timed.call.ended


@pytest.mark.parametrize(("sign", "given_up"), [("on_output", 0), ("on_result", 0), ("ask", 1)])
def test_given_up_after_some_output_the_provider_has_done_its_work(
    timed: Timed, sign: str, given_up: int
) -> None:
    getattr(timed.call, sign)()
    timed.call.give_up()
    assert timed.counted[0].given_up == given_up


def test_a_call_that_fails_after_its_first_result_has_both(timed: Timed) -> None:
    timed.ask()
    timed.wait(80)
    timed.call.on_result()
    timed.call.fail("provider_protocol_error")
    assert timed.counted[0].errors == {"provider_protocol_error": 1}
    assert timed.took() == near(80)


@pytest.mark.parametrize(
    ("tally", "rate"),
    [
        (Tally(), None),
        (Tally(calls=3, given_up=3), None),
        (Tally(calls=4), 0),
        (Tally(calls=5, given_up=1, errors=Counter(a=1)), 0.25),
        (Tally(calls=2, errors=Counter(a=1, b=1)), 1),
    ],
)
def test_the_error_rate_is_of_calls_that_were_not_given_up(tally: Tally, rate: float) -> None:
    assert tally.error_rate == rate


@pytest.mark.parametrize("name", ["gpt-5", "", "a|b", '"quoted"', "模型", "a\x1fb", "x" * 180])
def test_what_is_written_is_read_again(name: str) -> None:
    series = Series.of("llm", "endpoint:home", name)
    fields = {key.encode(): b"%d" % count for key, count in written(series, FULL).items()}
    assert read(fields) == {series: FULL}


def test_names_are_kept_as_the_database_can_keep_them() -> None:
    assert Series.of("llm", "p" * 200, "a\0b" + "x" * 300) == ("llm", "p" * 100, "ab" + "x" * 178)


def test_tallies_add_up() -> None:
    whole = total([FULL, Tally(), FULL])
    assert whole == Tally(10, 2, Counter(provider_timeout=4), Counter({-3: 2, 40: 6}))
    assert FULL.calls == 5
