"""Has a stage's work done by the first of its providers that gives any output.

When one fails, the next on the list is tried before the same one again: that answers sooner. When
all have failed and one of them may yet succeed, the list is gone through again after a pause. Once
there is output nothing is tried again: the person may have got it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_exponential_jitter,
)

from interaction.bus import redis_keys
from interaction.bus.audio_streams import AudioLost, StreamSilent
from interaction.bus.redis_client import RedisError, retry_while_down
from interaction.cascade.provider_health import ProviderHealth
from interaction.cascade.provider_pool import StageKind, provider
from interaction.cascade.stage import StageGaveUp, StageRun
from interaction.core.events import ProviderSwitched
from interaction.core.types import ProviderSelection
from interaction.provider_calls.call import ProviderCall
from interaction.providers.errors import ProviderError, ProviderRateLimited, ProviderTimeout
from interaction.safe_logging import log_crash
from interaction.turn_records.note_fields import Note

logger = logging.getLogger(__name__)

R = TypeVar("R")

FIRST_OUTPUT_WITHIN: dict[StageKind, float] = {"stt": 10.0, "llm": 10.0, "tts": 8.0}
"""Seconds for a provider's first output, where it is the last on the list."""
FIRST_OUTPUT_WITHIN_IF_OTHERS: dict[StageKind, float] = {"stt": 8.0, "llm": 5.0, "tts": 4.0}
"""The same while another one could still be tried."""
STAGE_WITHIN = 15.0
"""Seconds for the first output of the stage, whichever provider gives it."""
LONGEST_WORK = 300.0
"""Seconds for the first output of a stage whose provider shows that it is at work."""
ROUNDS = 3
"""Times that the list is gone through at most."""
NEVER = float("inf")
NOT_THE_PROVIDERS = (RedisError, AudioLost, StreamSilent, StageGaveUp)
"""Errors that no provider has caused: another one would meet them, too."""

back_off = wait_exponential_jitter(initial=0.2, max=2.0, jitter=0.2)


@dataclass
class Attempt:
    """One provider's attempt. Who does the work reports here when output is due, and when it
    comes."""

    chain: FallbackChain
    place: int
    """Index in the list of choices."""
    first_output_within: float
    """Seconds for its first output once that is due."""
    call: ProviderCall
    """Who does the work tells it when a result is asked for, and when it comes."""
    has_output: bool = False

    @property
    def choice(self) -> ProviderSelection:
        return self.chain.choices[self.place]

    def expect_output(self) -> None:
        """From now on output is due."""
        if not self.has_output:
            self.chain.expect_output()

    def at_work(self) -> None:
        """The provider shows that it is at work (it reasons): that is no silence."""
        if not self.has_output:
            self.chain.extend_deadline()

    def suspend_deadline(self) -> None:
        """Output is not due any more: the person may still be speaking."""
        self.chain.suspend_deadline()

    async def output_started(self) -> None:
        """The first output is here (later calls do nothing): no other provider is tried."""
        if not self.has_output:
            self.has_output = True
            self.call.on_output()
            await self.chain.on_output(self.place)


class FallbackChain:
    """The providers of one stage run, in the order in which they are tried."""

    def __init__(
        self,
        run: StageRun,
        kind: StageKind,
        voice_key: str = "",
        choices: tuple[ProviderSelection, ...] = (),
    ) -> None:
        """``voice_key``: Redis key by which a reply's sentences agree on who speaks them.
        ``choices``: the list, where it is not the session's."""
        spec = run.request.spec
        self.choices = choices or {"stt": spec.stt, "llm": spec.llm, "tts": spec.tts}[kind]
        self._stage = run
        self._kind = kind
        self._voice_key = voice_key
        self._health = ProviderHealth(run.redis, kind, self.choices, spec.owner_id)
        self._order: list[int] = []
        """Places in the order in which they are tried."""
        self._ready_at: dict[int, float] = {}
        """By place: when one that failed may be tried again, in the loop's time."""
        self._codes: dict[int, str] = {}
        """By place: code of the error for which it was passed over."""
        self._last: tuple[Attempt, Exception] | None = None
        """The last attempt that failed, and how."""
        self._announced_place = 0
        """The place of the provider that serves, as far as the web side knows."""
        self._due: float | None = None
        """When the stage's first output is overdue; None where none is expected."""
        self._latest = 0.0
        """Beyond which that is never put off."""
        self._limit = asyncio.timeout(None)
        self._now = asyncio.get_running_loop().time

    async def run(self, work: Callable[[Any, Attempt], Awaitable[R]]) -> R:
        """Return what ``work(provider, attempt)`` does, for the first provider that succeeds. May
        be called again for more work of the same stage.

        Raises what the last provider raised; ``ProviderTimeout`` at the stage's deadline.
        """
        if not self._order:
            await self._find_order()
        self._ready_at.clear()
        self._last, self._due = None, None
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._may_try_again),
            wait=self._pause,
            stop=self._must_stop,
            reraise=True,
        )
        try:
            async with asyncio.timeout(None) as self._limit:
                done: R = await retrying(self._try_all, work)
                return done
        except TimeoutError:
            raise self._deadline_error() from None

    # What attempts report.

    def expect_output(self) -> None:
        if self._due is None:
            self._due = self._now() + STAGE_WITHIN
            self._latest = self._now() + LONGEST_WORK
            self._limit.reschedule(self._due)

    def extend_deadline(self) -> None:
        if self._due is not None:
            self._due = max(self._due, min(self._now() + STAGE_WITHIN, self._latest))
            self._limit.reschedule(self._due)

    def suspend_deadline(self) -> None:
        self._due = None
        self._limit.reschedule(None)

    async def on_output(self, place: int) -> None:
        """The provider at ``place`` serves, and is tried first from now on."""
        self.suspend_deadline()
        self._order.remove(place)
        self._order.insert(0, place)
        await self._health.record_success(place)
        if place != self._announced_place:
            self._announced_place = place
            if await self._must_announce(place):
                await self._announce(place)

    async def _must_announce(self, place: int) -> bool:
        """Agree with the reply's other sentences; false where one of them has announced it."""
        if self._voice_key:
            exchange = self._stage.redis.set
            before: Any = await retry_while_down(
                lambda: exchange(self._voice_key, place, ex=redis_keys.LIFETIME, get=True)
            )
            if before is not None and int(before) == place:
                return False
        return place != 0

    async def _announce(self, place: int) -> None:
        served, failed = self.choices[place], self.choices[0]
        switched = ProviderSwitched(
            self._stage.request.turn_id, self._kind, failed.name, self._codes[0], served.name
        )
        self._stage.note(Note.fallback(switched))
        await self._stage.emit(switched)

    # Going through the list.

    async def _find_order(self) -> None:
        """As chosen, but those last that keep failing."""
        places = range(len(self.choices))
        if len(self.choices) > 1:
            await self._health.read()
        failures = self._health.failures
        self._order = sorted(places, key=lambda place: failures[place].is_unhealthy)
        self._codes = {place: failures[place].code for place in places}
        if self._voice_key and self._stage.request.index and len(self.choices) > 1:
            speaker: Any = await retry_while_down(lambda: self._stage.redis.get(self._voice_key))
            if speaker is not None:
                self._announced_place = int(speaker)
                self._order.remove(self._announced_place)
                self._order.insert(0, self._announced_place)

    async def _try_all(self, work: Callable[[Any, Attempt], Awaitable[R]]) -> R:
        places = [place for place in self._order if self._ready_at.get(place, 0) <= self._now()]
        for place in places:
            is_last = place == places[-1]
            within = FIRST_OUTPUT_WITHIN if is_last else FIRST_OUTPUT_WITHIN_IF_OTHERS
            choice = self.choices[place]
            call = self._stage.calls.start(self._kind, choice.name, choice.model)
            attempt = Attempt(self, place, within[self._kind], call)
            try:
                return await self._try(attempt, work)
            except NOT_THE_PROVIDERS:
                raise
            except Exception as error:
                self._last = attempt, error
                await self._record_failure(attempt, error)
                if attempt.has_output or is_last:
                    raise
        raise AssertionError("a pause ends when one may be tried")

    async def _try(self, attempt: Attempt, work: Callable[[Any, Attempt], Awaitable[R]]) -> R:
        choice = attempt.choice
        self._stage.provider = choice.name
        with self._counted(attempt.call):
            try:
                owner = self._stage.request.spec.owner_id
                async with provider(self._kind, choice, owner) as engine:
                    return await work(engine, attempt)
            except TimeoutError:
                raise self._timeout(choice.name) from None

    @contextlib.contextmanager
    def _counted(self, call: ProviderCall) -> Iterator[None]:
        """Within it is one attempt, which counts as one call however it ends."""
        try:
            yield
        except asyncio.CancelledError:
            if self._limit.expired():
                call.fail(ProviderTimeout.code)
            else:
                call.give_up()
            raise
        except StageGaveUp:  # for what the provider has answered, or for what came after that
            call.succeed()
            raise
        except NOT_THE_PROVIDERS:
            call.give_up()
            raise
        except Exception as error:
            call.fail(_code_of(error))
            raise
        call.succeed()

    async def _record_failure(self, attempt: Attempt, error: Exception) -> None:
        facts = {**self._stage.request.log_facts(), "provider": self._stage.provider}
        code = _code_of(error)
        if not isinstance(error, ProviderError):
            log_crash(logger, error, facts)
        logger.warning("provider failed", extra={**facts, "code": code})
        self._codes[attempt.place] = code
        self._ready_at[attempt.place] = self._now() + _pause_after(error)
        await self._health.record_failure(attempt.place, error)

    # Trying again.

    def _may_try_again(self, error: BaseException) -> bool:
        failed = self._last is not None and self._last[1] is error and not self._last[0].has_output
        return failed and min(self._ready_at.values()) < NEVER

    def _pause(self, state: RetryCallState) -> float:
        return max(back_off(state), min(self._ready_at.values()) - self._now())

    def _must_stop(self, state: RetryCallState) -> bool:
        """The list was gone through often enough, or the next round would come too late."""
        due = self._due or self._now() + STAGE_WITHIN
        return state.attempt_number >= ROUNDS or self._now() + state.upcoming_sleep >= due

    def _deadline_error(self) -> Exception:
        return self._last[1] if self._last else self._timeout(self._stage.provider)

    def _timeout(self, name: str) -> ProviderTimeout:
        message = _("%(provider)s took too long to answer.") % {"provider": name}
        return ProviderTimeout(message, stage=self._kind, provider=name)


def _code_of(error: Exception) -> str:
    """For what is no provider's error: a bug, of this program or of a provider's client."""
    return error.code if isinstance(error, ProviderError) else "stage_crashed"


def _pause_after(error: Exception) -> float:
    """Seconds until it makes sense to try the same provider again, for this work."""
    if not isinstance(error, ProviderError) or not error.retryable:
        return NEVER
    if isinstance(error, ProviderRateLimited) and error.retry_after:
        return error.retry_after
    return 0.0
