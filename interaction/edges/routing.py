"""The addresses of the sockets."""

from __future__ import annotations

from typing import Any

from django.urls import path, re_path

from interaction.edges.auth import reject_unknown_path
from interaction.edges.openai.auth import RealtimeAuth
from interaction.edges.openai.consumer import RealtimeConsumer
from interaction.edges.parley.auth import ParleyAuth
from interaction.edges.parley.consumer import ParleyConsumer

# ASGI applications, where Django's stubs expect views.
parley: Any = ParleyAuth(ParleyConsumer.as_asgi())
openai: Any = RealtimeAuth(RealtimeConsumer.as_asgi())
unknown: Any = reject_unknown_path

websocket_urlpatterns = [
    path("ws/interaction/", parley),
    path("api/v1/orchestrator/ws", parley),
    path("v1/realtime", openai),
    re_path("", unknown),
]
