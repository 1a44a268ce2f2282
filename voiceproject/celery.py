"""The Celery application: queues ``stt``, ``llm``, ``tts`` and ``default``."""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.signals import setup_logging

from voiceproject import heartbeat, queue_times

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voiceproject.settings")

# Of running as root, as containers do: that is dangerous with pickled tasks, and these are JSON.
warnings.filterwarnings("ignore", category=SecurityWarning)
# Of what a lost broker does to late acknowledged tasks: they are idempotent and run again.
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)

app = Celery("voiceproject")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["interaction.cascade", "history"])
heartbeat.install()
queue_times.install()


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_django_logging(**_: Any) -> None:
    """A connected receiver keeps Celery from configuring logging over Django's."""
