"""The rows that the history adds to what ``interaction`` archives."""

from history.models.annotation import TurnAnnotation
from history.models.batch import Batch
from history.models.latency import LatencyBlock, LatencyMember
from history.models.marks import Star, Tag
from history.models.offered import OfferedValue
from history.models.peaks import TurnPeaks
from history.models.retention import Retention
from history.models.share_link import ShareLink
from history.models.summary import SessionSummary
from history.models.words import SessionWords

__all__ = [
    "Batch",
    "LatencyBlock",
    "LatencyMember",
    "OfferedValue",
    "Retention",
    "SessionSummary",
    "SessionWords",
    "ShareLink",
    "Star",
    "Tag",
    "TurnAnnotation",
    "TurnPeaks",
]
