"""Has a stage's work done by the first of its providers that brings any output.

The next on the list is asked before the same one again: that is the sooner answer. When all have
failed and one of them may yet succeed, the list is gone through again after a pause. Once there is
output nothing is tried again: it may have been heard.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_exponential_jitter,
)

from interaction.bus.audio_streams import LIFETIME, AudioLost, StreamSilent
from interaction.bus.redis_client import RedisError, retry_while_down
from interaction.cascade.provider_health import ProviderHealth
from interaction.cascade.provider_pool import StageKind, provider
from interaction.cascade.stage import StageGaveUp, StageRun
from interaction.core.events import ProviderSwitched
from interaction.providers.errors import ProviderError, ProviderRateLimited, ProviderTimeout
from interaction.safe_logging import log_crash

logger = logging.getLogger(__name__)

R = TypeVar("R")

FIRST_WITHIN: dict[StageKind, float] = {"stt": 10.0, "llm": 10.0, "tts": 8.0}
"""Seconds for a provider's first output."""
HURRIED: dict[StageKind, float] = {"stt": 8.0, "llm": 5.0, "tts": 4.0}
"""The same while another one could still be asked."""
STAGE_WITHIN = 15.0
"""Seconds for the first output of the stage, whoever brings it."""
TRIES = 3
"""How often the list is gone through."""
NEVER = float("inf")
OURS = (RedisError, AudioLost, StreamSilent, StageGaveUp)
"""What is no provider's fault, and not made good by another one."""

back_off = wait_exponential_jitter(initial=0.2, max=2.0, jitter=0.2)


@dataclass
class Attempt:
    """One provider's try at the work. The work says when output is due, and when it comes."""

    chain: FallbackChain
    place: int
    """In the list of choices."""
    first: float
    """Seconds for its first output once that is due."""
    begun: bool = False

    def expect(self) -> None:
        """From now on output is due."""
        if not self.begun:
            self.chain.expect()

    def relax(self) -> None:
        """It is not due any more: the person may still be speaking."""
        self.chain.relax()

    async def output(self) -> None:
        """The first output is here: from now on it is this provider's work."""
        if not self.begun:
            self.begun = True
            await self.chain.settle(self)


class FallbackChain:
    """``voice``: a Redis key under which a reply's sentences agree on who speaks them."""

    def __init__(self, run: StageRun, kind: StageKind, voice: str = "") -> None:
        spec = run.ticket.spec
        self.choices = {"stt": spec.stt, "llm": spec.llm, "tts": spec.tts}[kind]
        self._run = run
        self._kind = kind
        self._voice = voice
        self._health = ProviderHealth(run.redis, kind, self.choices, spec.owner_id)
        self._order: list[int] = []
        self._ready_at: dict[int, float] = {}
        """When one that failed may be asked again, in the loop's time."""
        self._codes: dict[int, str] = {}
        """Why each was not, or no longer, the one."""
        self._last: tuple[Attempt, Exception] | None = None
        self._told = 0
        """The place of whoever serves, as far as the web side knows."""
        self._due: float | None = None
        self._limit = asyncio.timeout(None)
        self._now = asyncio.get_running_loop().time

    async def through(self, work: Callable[[Any, Attempt], Awaitable[R]]) -> R:
        """``work(provider, attempt)``, done once. May be called again for more of the same stage.

        Raises what the last provider raised; ``ProviderTimeout`` at the stage's deadline.
        """
        if not self._order:
            await self._arrange()
        self._ready_at.clear()
        self._last, self._due = None, None
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._may_try_again),
            wait=self._pause,
            stop=self._is_enough,
            reraise=True,
        )
        try:
            async with asyncio.timeout(None) as self._limit:
                done: R = await retrying(self._go_through, work)
                return done
        except TimeoutError:
            raise self._late() from None

    # What attempts report.

    def expect(self) -> None:
        if self._due is None:
            self._due = self._now() + STAGE_WITHIN
            self._limit.reschedule(self._due)

    def relax(self) -> None:
        self._due = None
        self._limit.reschedule(None)

    async def settle(self, attempt: Attempt) -> None:
        """Whoever made this attempt serves, and is asked first from now on."""
        place = attempt.place
        self.relax()
        self._order.remove(place)
        self._order.insert(0, place)
        await self._health.served(place)
        if place != self._told:
            self._told = place
            if await self._is_news(place):
                await self._tell(place)

    async def _is_news(self, place: int) -> bool:
        """Agree with the reply's other sentences; false where one of them has said so already."""
        if self._voice:
            agreed = self._run.redis.set
            before: Any = await retry_while_down(
                lambda: agreed(self._voice, place, ex=LIFETIME, get=True)
            )
            if before is not None and int(before) == place:
                return False
        return place != 0

    async def _tell(self, place: int) -> None:
        served, failed = self.choices[place], self.choices[0]
        switched = ProviderSwitched(
            self._run.ticket.turn_id, self._kind, failed.name, self._codes[0], served.name
        )
        fact = {"failed": failed.name, "code": self._codes[0], "provider": served.name}
        self._run.note(**{f"fallback:{self._kind}": {"stage": self._kind, **fact}})
        await self._run.tell(switched)

    # Going through the list.

    async def _arrange(self) -> None:
        """The order in which they are asked: as chosen, but those last that keep failing."""
        places = range(len(self.choices))
        if len(self.choices) > 1:
            await self._health.look()
        records = self._health.records
        self._order = sorted(places, key=lambda place: records[place].ailing)
        self._codes = {place: records[place].code for place in places}
        if self._voice and self._run.ticket.n and len(self.choices) > 1:
            speaks: Any = await retry_while_down(lambda: self._run.redis.get(self._voice))
            if speaks is not None:
                self._told = int(speaks)
                self._order.remove(self._told)
                self._order.insert(0, self._told)

    async def _go_through(self, work: Callable[[Any, Attempt], Awaitable[R]]) -> R:
        places = [place for place in self._order if self._ready_at.get(place, 0) <= self._now()]
        for place in places:
            within = FIRST_WITHIN if place == places[-1] else HURRIED
            attempt = Attempt(self, place, within[self._kind])
            try:
                return await self._try(attempt, work)
            except OURS:
                raise
            except Exception as error:
                self._last = attempt, error
                await self._take_note(attempt, error)
                if attempt.begun or place == places[-1]:
                    raise
        raise AssertionError("a pause ends when somebody may be asked")

    async def _try(self, attempt: Attempt, work: Callable[[Any, Attempt], Awaitable[R]]) -> R:
        choice = self.choices[attempt.place]
        self._run.provider = choice.name
        try:
            async with provider(self._kind, choice, self._run.ticket.spec.owner_id) as engine:
                return await work(engine, attempt)
        except TimeoutError:
            raise self._timeout(choice.name) from None

    async def _take_note(self, attempt: Attempt, error: Exception) -> None:
        facts = {**self._run.ticket.facts(), "provider": self._run.provider}
        if isinstance(error, ProviderError):
            code = error.code
        else:
            code = "stage_crashed"
            log_crash(logger, error, facts)
        logger.warning("provider failed", extra={**facts, "code": code})
        self._codes[attempt.place] = code
        self._ready_at[attempt.place] = self._now() + _wanted_pause(error)
        await self._health.failed(attempt.place, error)

    # Trying again.

    def _may_try_again(self, error: BaseException) -> bool:
        failed = self._last is not None and self._last[1] is error and not self._last[0].begun
        return failed and min(self._ready_at.values()) < NEVER

    def _pause(self, state: RetryCallState) -> float:
        return max(back_off(state), min(self._ready_at.values()) - self._now())

    def _is_enough(self, state: RetryCallState) -> bool:
        """It was tried often enough, or the next try would come too late."""
        due = self._due or self._now() + STAGE_WITHIN
        return state.attempt_number >= TRIES or self._now() + state.upcoming_sleep >= due

    def _late(self) -> Exception:
        return self._last[1] if self._last else self._timeout(self._run.provider)

    def _timeout(self, name: str) -> ProviderTimeout:
        message = _("%(provider)s took too long to answer.") % {"provider": name}
        return ProviderTimeout(message, stage=self._kind, provider=name)


def _wanted_pause(error: Exception) -> float:
    """Seconds until it makes sense to ask the same one again, for this piece of work."""
    if not isinstance(error, ProviderError) or not error.retryable:
        return NEVER
    if isinstance(error, ProviderRateLimited) and error.retry_after:
        return error.retry_after
    return 0.0
