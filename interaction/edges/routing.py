"""Where the sockets live."""

from __future__ import annotations

from django.urls import path, re_path

from interaction.edges.consumer import ParleyConsumer
from interaction.edges.door import Door, nowhere

talk = Door(ParleyConsumer.as_asgi())

websocket_urlpatterns = [
    path("ws/interaction/", talk),
    path("api/v1/orchestrator/ws", talk),
    re_path("", nowhere),
]
