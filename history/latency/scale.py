"""Where things lie along an axis of milliseconds, in percent of its width."""

from __future__ import annotations

from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """From 0 to ``end`` ms, with marks at round numbers."""

    end: float
    step: float

    @classmethod
    def up_to(cls, ms: float, marks: int = 4) -> Scale:
        """The shortest that holds ``ms`` and has at most so many steps, of at least 1 ms."""
        unit = 10.0 ** max(0, len(str(int(ms / marks))) - 1)
        step = next(unit * step for step in _STEPS if unit * step * marks >= ms or step == 10)
        count = max(1, int(-(-ms // step)))
        return cls(step * count, step)

    def at(self, ms: float) -> str:
        """A position, as SVG and CSS write it; what lies beyond the end is at the end."""
        return f"{min(100.0, max(0.0, 100 * ms / self.end)):.2f}%"

    @property
    def marks(self) -> list[tuple[str, int]]:
        """(position, ms) of each mark, both ends included."""
        count = round(self.end / self.step)
        return [(self.at(self.step * n), round(self.step * n)) for n in range(count + 1)]
