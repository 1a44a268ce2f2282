"""Where programs on the server's own machine reach it."""

from __future__ import annotations

from django.conf import settings

LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERYWHERE = ("0.0.0.0", "::")


def local_host_and_port() -> str:
    """``localhost:8000``; another host where ``PARLEY_HOST`` names one that is reached by itself
    alone."""
    host = settings.ENV.parley_host
    if host in LOOPBACK + EVERYWHERE:
        host = "localhost"
    return f"{f'[{host}]' if ':' in host else host}:{settings.ENV.port}"
