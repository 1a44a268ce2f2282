"""Where the sockets live."""

from __future__ import annotations

from typing import Any

from django.urls import path, re_path

from interaction.edges.consumer import ParleyConsumer
from interaction.edges.door import Door, nowhere

# ASGI applications, where Django's stubs expect views.
talk: Any = Door(ParleyConsumer.as_asgi())
lost: Any = nowhere

websocket_urlpatterns = [
    path("ws/interaction/", talk),
    path("api/v1/orchestrator/ws", talk),
    re_path("", lost),
]
