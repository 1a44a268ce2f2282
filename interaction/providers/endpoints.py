"""Servers that speak OpenAI's protocol, named by people or by the installation.

An endpoint ``home`` is chosen as the provider ``endpoint:home``, in every stage for which it names
models.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from interaction.providers.config import Kind

ENDPOINT_PREFIX = "endpoint:"
"""Prefix of an endpoint's provider name."""


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


class NamedEndpoint(BaseModel):
    """An endpoint for everybody who may use this installation (``PARLEY_ENDPOINTS``)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,50}$")]
    base_url: Annotated[str, AfterValidator(http_address)]
    api_key: SecretStr = SecretStr("")
    models: dict[Kind, tuple[str, ...]]
    """Models by the stage that they serve; the first one is the default."""
    voices: tuple[str, ...] = ()
    sample_rate: Annotated[int, Field(ge=8_000, le=96_000)] = 24_000
    """Rate of its speech, Hz."""
