from __future__ import annotations

from voiceproject.testing.stack import _worker, worker

__all__ = ["_worker", "worker"]
