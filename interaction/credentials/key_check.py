"""Whether a key is right: one cheap request, and what the provider answered to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx2
from django.utils.translation import gettext as _

from interaction.credentials.store import Access
from interaction.providers.declaration import Account

CHECK_WITHIN = 6.0
"""Seconds for the whole check; the page waits for eight."""
MOST_READ = 2 << 20
"""Bytes of an answer."""
LONGEST_QUOTE = 300
"""Characters of a server's words that are shown."""
LEAST_SHARED = 5
"""Characters in a row that an answer must not have in common with the key."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    ok: bool
    message: str
    """For the person who asked; it holds nothing of the key."""


async def check_key(
    account: Account, access: Access, models: Iterable[str] = (), within: float = CHECK_WITHIN
) -> CheckResult:
    """Ask for what needs a right key and costs nothing; never raises for what comes back.

    ``models``: names that the provider should list. ``within``: seconds for the whole of it.
    """
    try:
        async with asyncio.timeout(within):
            status, body = await _request(account, access)
    except TimeoutError:
        message = _("%(who)s took too long to answer.")
        return CheckResult(False, message % {"who": account.label})
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError):
        message = _("%(who)s cannot be reached.")
        return CheckResult(False, message % {"who": account.label})
    facts = {"who": account.label, "status": status}
    if not 200 <= status < 300:
        if words := mask_key(access.api_key, _error_text(body)):
            message = _("%(who)s answered %(status)d: %(words)s")
            return CheckResult(False, message % {**facts, "words": words})
        return CheckResult(False, _("%(who)s answered %(status)d.") % facts)
    if not isinstance(body, dict | list):
        message = _(
            "%(who)s answered %(status)d, but not as a provider does. Is the address right?"
        )
        return CheckResult(False, message % facts)
    return _accepted(facts, _model_names(body), models)


def _accepted(facts: dict[str, Any], listed: set[str], models: Iterable[str]) -> CheckResult:
    missing = [name for name in models if listed and name not in listed]
    if missing:
        message = _("%(who)s answered %(status)d, but lists no model %(names)s.")
        return CheckResult(False, message % {**facts, "names": ", ".join(missing)})
    if listed:
        message = _("%(who)s answered %(status)d and lists %(count)d models.")
        return CheckResult(True, message % {**facts, "count": len(listed)})
    return CheckResult(True, _("%(who)s answered %(status)d.") % facts)


async def _request(account: Account, access: Access) -> tuple[int, Any]:
    """Status, and the body's JSON; None where it is none."""
    base = (access.base_url or account.base_url).rstrip("/")
    if base.startswith("ws"):  # a streaming protocol's address serves this one too
        base = "http" + base.removeprefix("ws")
    headers = dict(account.extra_headers)
    if access.api_key:
        headers[account.header] = account.scheme + access.api_key
    body = bytearray()
    async with (
        # A redirect would take the key to somewhere else.
        httpx2.AsyncClient(timeout=None, follow_redirects=False) as client,
        client.stream("GET", base + account.check_path, headers=headers) as response,
    ):
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MOST_READ:
                return response.status_code, None
    try:
        return response.status_code, json.loads(body)
    except ValueError:
        return response.status_code, None


def _error_text(body: Any) -> str:
    """The text of an error, wherever providers put it."""
    for name in ("error", "detail", "message", "err_msg"):
        if isinstance(body, dict) and name in body:
            return _error_text(body[name])
    if isinstance(body, list) and body:
        return _error_text(body[0])
    if not isinstance(body, str):
        return ""
    plain = " ".join("".join(c if c.isprintable() else " " for c in body).split())
    return plain if len(plain) <= LONGEST_QUOTE else plain[:LONGEST_QUOTE] + "…"


def _model_names(body: Any) -> set[str]:
    """The models that an answer names."""
    if isinstance(body, dict):
        body = body.get("data") or body.get("models") or []
    rows = [row for row in body if isinstance(row, dict)] if isinstance(body, list) else []
    names = (row.get("id") or row.get("model_id") or row.get("name") for row in rows)
    return {name for name in names if isinstance(name, str)}


def mask_key(key: str, text: str) -> str:
    """``text`` with every piece of the key masked: providers like to quote it."""
    shown, at = "", 0
    while at < len(text):
        length = 0
        while at + length < len(text) and text[at : at + length + 1] in key:
            length += 1
        if length >= min(LEAST_SHARED, len(key) or LEAST_SHARED):
            shown, at = shown + "…", at + length
        else:
            shown, at = shown + text[at], at + 1
    return shown
