"""Each attempt at a provider counts as one call, as what it came to: a table of what may happen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from interaction.bus.audio_streams import AudioLost, StreamSilent
from interaction.bus.stage_messages import StageRequest
from interaction.cascade import provider_fallback
from interaction.cascade.provider_fallback import Attempt, FallbackChain
from interaction.cascade.stage import StageGaveUp
from interaction.core.types import ProviderSelection
from interaction.provider_calls.call import ProviderCall
from interaction.provider_calls.tally import Series, Tally
from interaction.providers import errors
from interaction.tests.cascade.caller import spec

OK = "ok"
UP = "given up"
Deed = Callable[[Attempt], Awaitable[None]]


def error(kind: type[errors.ProviderError], **more: Any) -> errors.ProviderError:
    return kind("It failed.", stage="llm", provider="any", **more)


def fails(what: BaseException) -> Deed:
    async def deed(attempt: Attempt) -> None:
        raise what

    return deed


def speaks_then(deed: Deed) -> Deed:
    async def both(attempt: Attempt) -> None:
        attempt.call.on_result()
        await attempt.output_started()
        await deed(attempt)

    return both


async def succeeds(attempt: Attempt) -> None:
    attempt.call.on_result()
    await attempt.output_started()


async def says_nothing(attempt: Attempt) -> None:
    """It answers without a word."""


async def hangs(attempt: Attempt) -> None:
    await asyncio.Event().wait()


async def is_too_slow(attempt: Attempt) -> None:
    async with asyncio.timeout(0):
        await asyncio.Event().wait()


UNAVAILABLE = fails(error(errors.ProviderUnavailable))
REFUSED = fails(error(errors.ProviderRefused))
CRASH = fails(ValueError("a bug"))


@dataclass
class Stage:
    """What a chain wants of a stage's run."""

    request: StageRequest
    redis: Redis
    provider: str = ""
    counted: list[tuple[Series, Tally]] = field(default_factory=list)

    @property
    def calls(self) -> Stage:
        return self

    def start(self, *names: str) -> ProviderCall:
        series = Series.of(*names)
        return ProviderCall(lambda tally: self.counted.append((series, tally)))

    def note(self, *notes: Any) -> None: ...

    async def emit(self, event: Any) -> None: ...

    def outcomes(self) -> list[str]:
        return [_outcome(tally) for _series, tally in self.counted]


def _outcome(tally: Tally) -> str:
    assert tally.calls == 1
    (code,) = tally.errors or ("",)
    return code or (UP if tally.given_up else OK)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Its Redis is away, its pauses take no time, and providers are had for nothing."""

    @contextlib.asynccontextmanager
    async def lent(*_: Any) -> AsyncIterator[object]:
        yield object()

    monkeypatch.setattr(provider_fallback, "provider", lent)
    monkeypatch.setattr(provider_fallback, "back_off", lambda state: 0)
    request = StageRequest(spec(), uuid4(), "", "llm", uuid4())
    yield Stage(request, Redis.from_url("unix:///nonexistent/redis.sock"))


async def run(stage: Stage, *deeds: Deed, providers: int = 1, times: int = 1) -> None:
    """Have the chain go through the deeds, one an attempt, whatever comes of it."""
    choices = tuple(ProviderSelection("openai", f"model-{n}") for n in range(providers))
    chain, left = FallbackChain(stage, "llm", choices=choices), list(deeds)  # type: ignore[arg-type]

    async def work(engine: Any, attempt: Attempt) -> None:
        attempt.expect_output()
        attempt.call.ask()
        await left.pop(0)(attempt)

    for _ in range(times):
        with contextlib.suppress(Exception):
            await chain.run(work)
    assert not left, "these were never tried"


HAPPENINGS: dict[str, tuple[int, list[Deed], list[str]]] = {
    "it answers": (1, [succeeds], [OK]),
    "it answers without a word": (1, [says_nothing], [OK]),
    "the next one answers": (2, [UNAVAILABLE, succeeds], ["provider_unavailable", OK]),
    "the third answers": (
        3,
        [UNAVAILABLE, REFUSED, succeeds],
        ["provider_unavailable", "provider_refused", OK],
    ),
    "asked again it answers": (1, [UNAVAILABLE, succeeds], ["provider_unavailable", OK]),
    "three times and no more": (1, [UNAVAILABLE] * 3, ["provider_unavailable"] * 3),
    "the list is gone through three times": (2, [UNAVAILABLE] * 6, ["provider_unavailable"] * 6),
    "who refuses is not asked again": (1, [REFUSED], ["provider_refused"]),
    "a bad key": (
        1,
        [fails(error(errors.ProviderUnauthorized))],
        ["provider_unauthorized"],
    ),
    "too many requests": (
        1,
        [fails(error(errors.ProviderRateLimited, retry_after=600))],
        ["provider_rate_limited"],
    ),
    "an answer that is none": (
        1,
        [fails(error(errors.ProviderProtocolError))],
        ["provider_protocol_error"],
    ),
    "a bug": (1, [CRASH], ["stage_crashed"]),
    "a bug, and the next one": (2, [CRASH, succeeds], ["stage_crashed", OK]),
    "too slow, and the next one": (2, [is_too_slow, succeeds], ["provider_timeout", OK]),
    "it breaks off": (2, [speaks_then(UNAVAILABLE)], ["provider_unavailable"]),
    "it stalls after its first word": (1, [speaks_then(is_too_slow)], ["provider_timeout"]),
    "nothing was understood": (1, [fails(StageGaveUp("no_speech", ""))], [OK]),
    "the queue is away": (1, [speaks_then(fails(StageGaveUp("queue_unavailable", "")))], [OK]),
    "Redis is away": (2, [fails(RedisConnectionError())], [UP]),
    "Redis goes away": (2, [speaks_then(fails(RedisConnectionError()))], [OK]),
    "the sound is lost": (2, [fails(AudioLost())], [UP]),
    "no more sound comes": (2, [fails(StreamSilent())], [UP]),
}


@pytest.mark.parametrize("what", HAPPENINGS)
async def test_each_attempt_counts_once(stage: Stage, what: str) -> None:
    providers, deeds, outcomes = HAPPENINGS[what]
    await run(stage, *deeds, providers=providers)
    assert stage.outcomes() == outcomes


@pytest.mark.parametrize(("deed", "outcome"), [(hangs, UP), (speaks_then(hangs), OK)])
async def test_a_stage_that_is_cancelled_fails_nobody(
    stage: Stage, deed: Deed, outcome: str
) -> None:
    begun = asyncio.Event()

    async def begin(attempt: Attempt) -> None:
        asyncio.get_running_loop().call_soon(begun.set)
        await deed(attempt)

    task = asyncio.create_task(run(stage, begin))
    await begun.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert stage.outcomes() == [outcome]


async def test_who_is_at_work_at_the_stages_deadline_was_too_slow(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def until_the_deadline(attempt: Attempt) -> None:
        attempt.chain._limit.reschedule(0)
        await asyncio.Event().wait()

    await run(stage, UNAVAILABLE, until_the_deadline, providers=2)
    assert stage.outcomes() == ["provider_unavailable", "provider_timeout"]


async def test_a_provider_that_cannot_be_had_has_failed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> Any:
        raise error(errors.ProviderUnauthorized)

    monkeypatch.setattr(provider_fallback, "provider", refused)
    await run(stage)
    assert stage.outcomes() == ["provider_unauthorized"]


async def test_each_round_of_a_reply_is_a_call(stage: Stage) -> None:
    await run(stage, succeeds, succeeds, times=2)
    assert stage.outcomes() == [OK, OK]


async def test_a_call_counts_for_the_model_that_was_asked(stage: Stage) -> None:
    await run(stage, UNAVAILABLE, REFUSED, succeeds, providers=3)
    models = [series.model for series, _tally in stage.counted]
    assert models == ["model-0", "model-1", "model-2"]


async def test_only_who_gave_a_result_has_a_time(stage: Stage) -> None:
    await run(stage, UNAVAILABLE, speaks_then(UNAVAILABLE), providers=2)
    timed = [tally.buckets.total() for _series, tally in stage.counted]
    assert timed == [0, 1]
