"""Speech recognition on this machine: English, modest, free."""

from __future__ import annotations

import os

from interaction.providers.local._shared.process_stt import ProcessSpeechToText


class SpeechToText(ProcessSpeechToText):
    module = "interaction.providers.local.pocketsphinx.engine"
    processes = min(2, os.cpu_count() or 1)
