from __future__ import annotations

from django.apps import AppConfig


class VoiceprojectConfig(AppConfig):
    name = "voiceproject"

    def ready(self) -> None:
        from voiceproject import checks  # noqa: F401  registers them
