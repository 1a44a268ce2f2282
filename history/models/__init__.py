"""What only the history keeps: it goes with the turns that it is about."""

from history.models.annotation import TurnAnnotation
from history.models.peaks import TurnPeaks

__all__ = ["TurnAnnotation", "TurnPeaks"]
