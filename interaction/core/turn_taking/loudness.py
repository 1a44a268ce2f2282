"""How loud it is, against the person's own voice and against the room. Nothing of it is known where
frames come without a level: then everything stands out."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field

from interaction.core.types import FRAME_MS, Frame

USUAL_DBFS = -26.0
"""Level of speech until the person's own is known: what automatic gain makes of most voices."""
SMOOTHED = 3
"""Frames over which a level is taken, a tenth of a second: the energy of a syllable."""
ROOM_FRAMES = 5_000 // FRAME_MS
"""Frames of the latest input, the person's turns apart, that say how loud the room is."""
ROOM_KNOWN = 800 // FRAME_MS
"""Frames without which the room is not known: before that, only what is near stands out."""
ROOM_PERCENTILE = 0.75
BELOW_PERSON_DB = 14.0
"""Speech that is this much softer than the person's is somebody else's, farther away."""
ABOVE_ROOM_DB = 4.0
"""Speech that stands out less is the room's."""
NEAR_DB = 9.0
"""Speech whose level is nearer than this to the person's is theirs."""
LEARNT = 0.5
"""How much of a turn's level goes into what is known of the person's."""
LEAST_TURN_FRAMES = 10
"""Frames of speech in a turn from which something is learnt."""


@dataclass(slots=True)
class Loudness:
    person_dbfs: float = USUAL_DBFS
    """Level of the person's speech, by the turns that were kept."""
    level_dbfs: float | None = None
    """Level of the latest ``SMOOTHED`` frames; None: not known."""
    in_turn: bool = False
    """Whether a turn is open, or contends: its audio is not the room's."""
    _recent: deque[float] = field(default_factory=lambda: deque(maxlen=SMOOTHED))
    """Their energies, 1 is the loudest."""
    _room: deque[float] = field(default_factory=deque)
    _room_sorted: list[float] = field(default_factory=list)
    _turn_energy: float = 0.0
    _turn_frames: int = 0

    def on_frame(self, frame: Frame, *, speaking: bool) -> None:
        if frame.level_dbfs is None:
            self.level_dbfs = None
            return
        energy = 10 ** (frame.level_dbfs / 10)
        self._recent.append(energy)
        self.level_dbfs = _dbfs(sum(self._recent) / len(self._recent))
        if not self.in_turn:
            self._add_to_room(self.level_dbfs)
        elif speaking:
            self._turn_energy += energy
            self._turn_frames += 1

    def on_turn_opened(self) -> None:
        self.in_turn = True
        self._turn_energy, self._turn_frames = 0.0, 0

    def on_turn_closed(self, *, kept: bool) -> None:
        """``kept``: whether it was the person who spoke in it."""
        self.in_turn = False
        if kept and self._turn_frames >= LEAST_TURN_FRAMES:
            level = _dbfs(self._turn_energy / self._turn_frames)
            self.person_dbfs += LEARNT * (level - self.person_dbfs)

    @property
    def stands_out(self) -> bool:
        """Whether it is loud enough now to be the person, beside what the room gives."""
        level = self.level_dbfs
        if level is None:
            return True
        room = self.room_dbfs
        if room is None:
            return self.is_near(level)
        return level >= max(room + ABOVE_ROOM_DB, self.person_dbfs - BELOW_PERSON_DB)

    def is_near(self, level_dbfs: float | None) -> bool:
        """Whether speech of this level is the person's own; where it is not known, it is."""
        return level_dbfs is None or level_dbfs >= self.person_dbfs - NEAR_DB

    @property
    def room_dbfs(self) -> float | None:
        """How loud the room is most of the time; None: not known."""
        if len(self._room_sorted) < ROOM_KNOWN:
            return None
        return self._room_sorted[int(ROOM_PERCENTILE * (len(self._room_sorted) - 1))]

    def _add_to_room(self, level: float) -> None:
        self._room.append(level)
        insort(self._room_sorted, level)
        if len(self._room) > ROOM_FRAMES:
            del self._room_sorted[bisect_left(self._room_sorted, self._room.popleft())]


def _dbfs(energy: float) -> float:
    return 10 * math.log10(max(energy, 1e-12))
