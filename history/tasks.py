"""What the history does by itself, on the queue ``default``."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from history.models import OfferedValue
from history.silent import sweep_silent

logger = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
def sweep_silent_sessions() -> None:
    if swept := sweep_silent(timezone.now()):
        logger.info("silent sessions deleted", extra={"sessions": swept})
    OfferedValue.forget_unused()
