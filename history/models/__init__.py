"""The rows that the history adds to what ``interaction`` archives."""

from history.models.latency import LatencyBlock, LatencyMember
from history.models.summary import SessionSummary

__all__ = ["LatencyBlock", "LatencyMember", "SessionSummary"]
