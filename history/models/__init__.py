"""The rows that the history adds to what ``interaction`` archives."""

from history.models.marks import Star, Tag
from history.models.offered import OfferedValue
from history.models.summary import SessionSummary
from history.models.words import SessionWords

__all__ = ["OfferedValue", "SessionSummary", "SessionWords", "Star", "Tag"]
