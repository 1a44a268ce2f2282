"""The rows that the history adds to what ``interaction`` archives."""

from history.models.annotation import TurnAnnotation
from history.models.batch import Batch
from history.models.peaks import TurnPeaks
from history.models.retention import Retention
from history.models.share_link import ShareLink
from history.models.summary import SessionSummary

__all__ = ["Batch", "Retention", "SessionSummary", "ShareLink", "TurnAnnotation", "TurnPeaks"]
