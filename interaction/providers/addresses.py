"""Addresses of servers that people and installations name."""

from __future__ import annotations

from urllib.parse import urlsplit


def http_address(text: str) -> str:
    """A base URL as it is kept, without a slash at its end.

    ``ValueError`` for anything but http and https, for what has no host, and for addresses with a
    password, a query or a fragment: they are shown to people. Which hosts may be named is not
    limited: a lab's servers are at home on private networks.
    """
    text = text.strip()
    parts = urlsplit(text)
    good = (
        parts.scheme in ("http", "https")
        and parts.hostname
        and "@" not in parts.netloc
        and not (parts.query or parts.fragment)
        and text.isprintable()
        and not set(text) & set(' "<>\\^`{|}')
        and (parts.port or 1)
    )
    if not good:
        raise ValueError("it must be an http:// or https:// address")
    return text.rstrip("/")
