"""Where the sockets live."""

from __future__ import annotations

from typing import Any

from django.urls import path, re_path

from interaction.edges.consumer import ParleyConsumer
from interaction.edges.door import Door, nowhere
from interaction.edges.openai.consumer import RealtimeConsumer
from interaction.edges.openai.door import RealtimeDoor

# ASGI applications, where Django's stubs expect views.
talk: Any = Door(ParleyConsumer.as_asgi())
openai: Any = RealtimeDoor(RealtimeConsumer.as_asgi())
lost: Any = nowhere

websocket_urlpatterns = [
    path("ws/interaction/", talk),
    path("api/v1/orchestrator/ws", talk),
    path("v1/realtime", openai),
    re_path("", lost),
]
