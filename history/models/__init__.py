"""The rows that the history adds to what ``interaction`` archives."""

from history.models.job import Job
from history.models.retention import Retention
from history.models.share_link import ShareLink
from history.models.summary import SessionSummary

__all__ = ["Job", "Retention", "SessionSummary", "ShareLink"]
