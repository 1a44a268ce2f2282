"""One call of a provider while it lasts: how long its result took, and how it ended. Sans-IO."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable

from interaction.provider_calls import histogram
from interaction.provider_calls.tally import Tally


class ProviderCall:
    """One call of a provider. It is counted once: by the first of ``succeed``, ``fail`` and
    ``give_up``."""

    def __init__(
        self, end: Callable[[Tally], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        """``end`` gets it when it has ended. ``now``: seconds, of a clock that never goes back."""
        self.ended = False
        self._end = end
        self._now = now
        self._asked_at: deque[float] = deque()
        self._took_ms: float | None = None
        self._has_result = False

    def ask(self) -> None:
        """From now on a result is due."""
        self._asked_at.append(self._now())

    def on_result(self) -> None:
        """A result has come. It answers the oldest request that none has answered; the last one
        that is answered is how long the call took."""
        self._has_result = True
        if self._asked_at:
            self._took_ms = 1000 * (self._now() - self._asked_at.popleft())

    def on_output(self) -> None:
        """Something has come that shows that the provider works, if not what was asked for."""
        self._has_result = True

    def succeed(self) -> None:
        self._finish(Tally(calls=1))

    def fail(self, code: str) -> None:
        self._finish(Tally(calls=1, errors=Counter({code: 1})))

    def give_up(self) -> None:
        """Nobody wants the rest. Where something had come the provider did what it was asked."""
        self._finish(Tally(calls=1, given_up=0 if self._has_result else 1))

    def _finish(self, tally: Tally) -> None:
        if self.ended:
            return
        self.ended = True
        if self._took_ms is not None:
            tally.buckets[histogram.bucket_of(self._took_ms)] = 1
        self._end(tally)
