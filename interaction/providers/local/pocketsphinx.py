"""Speech recognition on this machine: English, modest, free."""

from __future__ import annotations

import os

from interaction.providers.local.recogniser import Recogniser


class SpeechToText(Recogniser):
    module = "interaction.providers.local.recognising"
    processes = min(2, os.cpu_count() or 1)
