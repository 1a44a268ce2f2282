"""The rows that the history adds to what ``interaction`` archives."""

from history.models.annotation import TurnAnnotation
from history.models.peaks import TurnPeaks
from history.models.summary import SessionSummary

__all__ = ["SessionSummary", "TurnAnnotation", "TurnPeaks"]
