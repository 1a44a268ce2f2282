"""Where the sockets live."""

from __future__ import annotations

from typing import Any

from django.urls import path, re_path

from interaction.edges.auth import SocketAuth, reject_unknown_path
from interaction.edges.openai.auth import RealtimeAuth
from interaction.edges.openai.consumer import RealtimeConsumer
from interaction.edges.parley.consumer import ParleyConsumer

# ASGI applications, where Django's stubs expect views.
talk: Any = SocketAuth(ParleyConsumer.as_asgi())
openai: Any = RealtimeAuth(RealtimeConsumer.as_asgi())
lost: Any = reject_unknown_path

websocket_urlpatterns = [
    path("ws/interaction/", talk),
    path("api/v1/orchestrator/ws", talk),
    path("v1/realtime", openai),
    re_path("", lost),
]
