"""How a provider declares itself: one ``Provider`` in its package's ``__init__``.

The declaration is all that the rest of Parley knows of a provider before somebody uses it: its
names, the stages it serves, the account whose key it needs, the variables of the environment that
the server reads for it, and the words in which its server reports errors. It is imported at every
start, so the package's ``__init__`` imports no SDK; the classes that do are named by dotted path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from interaction.core.languages import primary, serves
from interaction.providers.config import Kind

MissingRequirement = Literal["", "package", "model"]
"""What must still be installed before a provider can be used on this machine: nothing, a Python
package, or a model that has to be downloaded."""


@dataclass(frozen=True, slots=True)
class EnvVar:
    """A variable of the environment (or of .env) that the server's settings read for a provider."""

    name: str
    """In capitals; begins with the provider's name: ``DEEPGRAM_API_KEY``."""
    default: str | int = ""
    secret: bool = False
    """It is a key: the settings hold it as ``SecretStr``, so that it is in no repr and no log."""

    @property
    def field(self) -> str:
        """Name of the settings' attribute that holds the value."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, known without making it."""

    streaming: bool
    """STT: partials while audio arrives. LLM, TTS: output before the input is complete."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags; empty where it depends on the model."""
    sample_rate: int | None = None
    """STT: the rate it wants. TTS: the rate it gives, where fixed. Hz."""
    voices: tuple[str, ...] = ()
    """Some of its voices, the first one the default; it may accept others too."""
    models: tuple[str, ...] = ()
    """Some of its models, the first one the default; it may accept others too."""
    tools: bool = False
    """LLM, realtime: it can be given tools."""
    tells_time: bool = False
    """LLM: it tells the time itself; ``complete`` takes the person's ``time_zone``."""
    needs_key: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """Where a provider lives, whose key it takes, and how a key is checked."""

    base_url: str
    """Address of the API when the environment names no other; without a slash at its end."""
    api_key_variable: EnvVar | None = None
    base_url_variable: EnvVar | None = None
    check_path: str = ""
    """Path of a GET request that costs nothing and needs a right key; empty: a key cannot be
    checked."""
    header: str = "Authorization"
    scheme: str = "Bearer "
    """What stands before the key in ``header``."""
    extra_headers: tuple[tuple[str, str], ...] = ()
    """Further headers of the check's request."""
    keys_page: str = ""
    """Where people make their keys."""
    needs_no_key_elsewhere: bool = False
    """Other servers speak this protocol too, and may want no key: a key is a must only where
    ``base_url`` stays at the provider's own host."""
    label: str = ""
    """A name for people; empty: the provider's label."""

    def requires_key_at(self, base_url: str) -> bool:
        """Whether a server at this address must be given a key. Empty: the provider's own."""
        own = urlsplit(self.base_url)
        here = base_url or self.base_url
        return not self.needs_no_key_elsewhere or here.startswith(f"{own.scheme}://{own.netloc}")


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """A server's own codes for what went wrong, in small letters, by what they mean here."""

    no_key_or_quota: frozenset[str] = frozenset()
    """A bad or missing key, a missing right, no money left: ``ProviderUnauthorized``."""
    rate_limited: frozenset[str] = frozenset()
    """Too many requests: ``ProviderRateLimited``."""
    refused: frozenset[str] = frozenset()
    """The request itself is at fault: ``ProviderRefused``."""


@dataclass(frozen=True, slots=True)
class StageEntry:
    """One selectable provider of a stage."""

    kind: Kind
    path: str
    """``module:Class``; the class is made with a ``ProviderConfig`` alone."""
    capabilities: Capabilities
    name: str = ""
    """The name by which sessions choose it; empty: the provider's. A vendor with two ways to serve
    one stage gives the second a name of its own (``openai-live``)."""
    label: str = ""
    """A name for people; empty: the provider's label."""
    default_order: int | None = None
    """Where it stands among the candidates for a stage for which nobody chose a provider: the
    lowest number whose key or model is there serves. None: it serves only where it is chosen."""
    model_variable: EnvVar | None = None
    """Names the default model, before those of ``capabilities``."""
    sample_rate_variable: EnvVar | None = None
    """Says the rate of the speech that it gives, in Hz, where the answer does not."""
    default_voice: str = ""
    """TTS: the voice of those who choose none; empty: the first one of ``capabilities``."""
    voice_by_language: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """TTS: the default voice by language (``zh``, ``pt-br``, in small letters), for a provider that
    speaks with the voices of ``capabilities`` alone; the first of those speaks all others."""
    serves_endpoints: bool = False
    """It speaks the protocol of the servers that people name as endpoints (``endpoints.py``)."""
    requirement_check: str = ""
    """``module:function``, ``(language: str) -> MissingRequirement``: says at once what must still
    be installed for a language, or for any (``""``). For providers with parts that a person
    fetches."""
    how: str = ""
    """How it works, in a few words of Markdown, for docs/providers.md."""
    needs: str = ""
    """What it needs, in Markdown; empty: its key, or nothing."""
    tried_against: str = "**our stand-in only**"
    """What its tests have met, in Markdown."""

    def serves(self, language: str) -> bool:
        """Whether it hears, speaks or writes a language, as far as its declaration knows."""
        return serves(self.capabilities.languages, language)

    def voices_for(self, language: str) -> tuple[str, ...]:
        """The voices of ``voice_by_language`` that speak a language, the default one first."""
        spoken = primary(language)
        same = (voice for tag, voice in self.voice_by_language.items() if primary(tag) == spoken)
        return tuple(dict.fromkeys((self.voice_for(language), *same)))

    def voice_for(self, language: str) -> str:
        """The voice of ``voice_by_language`` that suits a language: that of its country or script
        where there is one; empty where none is declared."""
        by_tag, parts = self.voice_by_language, language.lower().split("-")
        tags = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((by_tag[tag] for tag in (*tags, primary(language)) if tag in by_tag), "")


@dataclass(frozen=True, slots=True)
class Provider:
    """A vendor, or an engine on this machine, with all the stages that it serves."""

    name: str
    """Small letters, digits, ``-`` and ``_``. Also the account's name: keys are stored under it."""
    label: str
    """A name for people."""
    stages: tuple[StageEntry, ...]
    account: Account | None = None
    """None where nothing that it serves needs a key."""
    error_words: ErrorWords = ErrorWords()

    @property
    def environment(self) -> tuple[EnvVar, ...]:
        """Every variable of the environment that its declaration names."""
        return tuple(self._variables())

    def _variables(self) -> Iterator[EnvVar]:
        candidates = [
            *(
                (self.account.api_key_variable, self.account.base_url_variable)
                if self.account
                else ()
            ),
            *(stage.model_variable for stage in self.stages),
            *(stage.sample_rate_variable for stage in self.stages),
        ]
        yield from (variable for variable in candidates if variable)
