"""The rows that the history adds to what ``interaction`` archives."""

from history.models.summary import SessionSummary

__all__ = ["SessionSummary"]
