"""What is counted of a provider's calls, and how it is written into a hash in Redis."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from interaction.provider_calls import histogram

LONGEST_PROVIDER = 100
LONGEST_MODEL = 180
"""Characters of a name that count; PostgreSQL's indexes take some 2,700 bytes."""


class Series(NamedTuple):
    """Whose calls are counted together."""

    stage: str
    """``stt``, ``llm``, ``tts`` or ``realtime``."""
    provider: str
    """Its name, as sessions choose it."""
    model: str
    """Empty for the provider's default."""

    @classmethod
    def of(cls, stage: str, provider: str, model: str) -> Series:
        """Its names as they can be kept, whatever a client has sent."""
        kept = provider[:LONGEST_PROVIDER], model.replace("\0", "")[:LONGEST_MODEL]
        return cls(stage, *kept)


@dataclass
class Tally:
    """Calls that have ended. Each has succeeded, failed, or was given up before its first result:
    the person had spoken on, say."""

    calls: int = 0
    given_up: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """By code."""
    buckets: Counter[int] = field(default_factory=Counter)
    """How soon those that gave a result gave the first one: see ``histogram``."""

    @property
    def failed(self) -> int:
        return self.errors.total()

    @property
    def error_rate(self) -> float | None:
        """Share of the calls that have succeeded or failed; None where there is none."""
        judged = self.calls - self.given_up
        return self.failed / judged if judged else None

    @property
    def p50_ms(self) -> float | None:
        return histogram.median(self.buckets)

    def add(self, other: Tally) -> None:
        self.calls += other.calls
        self.given_up += other.given_up
        self.errors += other.errors
        self.buckets += other.buckets


def total(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole


def written(series: Series, tally: Tally) -> dict[str, int]:
    """The fields of the hash that a tally adds to."""
    counts = {("calls", ""): tally.calls, ("given_up", ""): tally.given_up}
    counts |= {("error", code): count for code, count in tally.errors.items()}
    counts |= {("ms", str(bucket)): count for bucket, count in tally.buckets.items()}
    return {json.dumps([*series, *what]): count for what, count in counts.items() if count}


def read(fields: Mapping[bytes, bytes]) -> dict[Series, Tally]:
    """What a hash holds."""
    found: dict[Series, Tally] = {}
    for name, value in fields.items():
        series, kind, which = _parsed(name)
        if (tally := found.get(series)) is None:
            tally = found[series] = Tally()
        match kind:
            case "ms":
                tally.buckets[int(which)] = int(value)
            case "error":
                tally.errors[which] = int(value)
            case "calls":
                tally.calls = int(value)
            case "given_up":
                tally.given_up = int(value)
    return found


@lru_cache(maxsize=20_000)
def _parsed(name: bytes) -> tuple[Series, str, str]:
    """A field's name; the same ones come in every minute."""
    *series, kind, which = json.loads(name)
    return Series(*series), kind, which
