"""Every provider there is: found by its declaration, imported when it is used.

Declarations are found in two places, in this order:

1. the dotted paths that ``configure`` is given, which the settings do with ``PARLEY_PROVIDERS``.
   ``package.module.PROVIDER`` is one declaration. ``package.*`` is one for each folder of a
   package whose ``__init__`` has a ``PROVIDER``, by name; folders that begin with ``_`` are left
   out, and declarations that came before are not repeated.
2. the entry points of the group ``parley.providers``, by name: providers of other packages.

A declaration that cannot be used is left out and listed in ``Registry.problems``, of which
``manage.py check`` speaks; it costs nobody else anything.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal, overload

from interaction.providers.config import KINDS, Kind, ProviderConfig
from interaction.providers.declaration import (
    Account,
    EnvVar,
    MissingRequirement,
    Provider,
    StageEntry,
)
from interaction.providers.endpoints import ENDPOINT_PREFIX
from interaction.providers.stage_protocols import LanguageModel, SpeechToText, TextToSpeech

ENTRY_POINT_GROUP = "parley.providers"
SHIPPED = (
    "interaction.providers.local.pocketsphinx.PROVIDER",
    "interaction.providers.local.*",
    "interaction.providers.openai.PROVIDER",
    "interaction.providers.gemini.PROVIDER",
    "interaction.providers.*",
)
"""All providers of this package, in the order in which pages list them: those named first, then
every other folder."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a declaration was left out."""

    source: str
    """Its dotted path, or the entry point that leads to it."""
    code: Literal["not_importable", "not_a_provider", "malformed", "duplicate"]
    detail: str
    """In English, for whoever runs or writes it: the exception, what is malformed, which name."""


class Registry:
    """The providers that a list of dotted paths and the entry points lead to."""

    def __init__(
        self,
        paths: Sequence[str] = SHIPPED,
        *,
        use_entry_points: bool = True,
        reserved_variables: Collection[str] = (),
    ) -> None:
        """``reserved_variables``: names of the environment's variables that are no provider's."""
        self.providers: dict[str, Provider] = {}
        self.problems: list[Problem] = []
        self._entries: dict[Kind, dict[str, StageEntry]] = {kind: {} for kind in KINDS}
        self._provider_of: dict[tuple[Kind, str], Provider] = {}
        self._variables = {name.upper() for name in reserved_variables}
        for path in paths:
            for source, value in self._at(path):
                self._add(source, value)
        if use_entry_points:
            for source, value in self._from_entry_points():
                self._add(source, value)

    def entries(self, kind: Kind) -> Mapping[str, StageEntry]:
        """Every provider of a stage by the name by which it is chosen, in the order of lists."""
        return self._entries[kind]

    def entry(self, kind: Kind, name: str) -> StageEntry:
        """A provider's declaration for a stage; ``KeyError`` where there is none of that name.

        An endpoint is spoken to by the provider whose protocol endpoints speak.
        """
        if not name.startswith(ENDPOINT_PREFIX):
            return self._entries[kind][name]
        if speaks := self.entry_for_endpoints(kind):
            return speaks
        raise KeyError(name)

    def entry_for_endpoints(self, kind: Kind) -> StageEntry | None:
        """The provider that speaks to endpoints for this stage."""
        return next((one for one in self._entries[kind].values() if one.serves_endpoints), None)

    def account_of(self, kind: Kind, name: str) -> str:
        """Name of the account whose key a provider takes; empty where it takes none. ``KeyError``
        where there is no such provider."""
        needs_key = self._entries[kind][name].capabilities.needs_key
        return self._provider_of[kind, name].name if needs_key else ""

    def accounts(self) -> dict[str, Account]:
        """Every account whose key some provider takes, by name, stage by stage."""
        names = [self.account_of(kind, name) for kind in KINDS for name in self._entries[kind]]
        return {name: self.account(name) for name in dict.fromkeys(filter(None, names))}

    def account(self, name: str) -> Account:
        """``KeyError`` where no provider of that name has an account."""
        provider = self.providers[name]
        if provider.account is None:
            raise KeyError(name)
        return replace(provider.account, label=provider.account.label or provider.label)

    def variables(self) -> tuple[EnvVar, ...]:
        """Every variable of the environment that a provider declares."""
        return tuple(one for provider in self.providers.values() for one in provider.environment)

    # Finding declarations.

    def _at(self, path: str) -> Iterator[tuple[str, Any]]:
        if path.endswith(".*"):
            yield from self._in_folders(path.removesuffix(".*"))
            return
        module, _, name = path.rpartition(".")
        try:
            value = getattr(import_module(module), name)
        except Exception as error:
            self._leave_out(path, error)
        else:
            yield path, value

    def _in_folders(self, package: str) -> Iterator[tuple[str, Any]]:
        try:
            folders = import_module(package).__path__
        except Exception as error:
            self._leave_out(f"{package}.*", error)
            return
        for found in sorted(pkgutil.iter_modules(folders), key=lambda found: found.name):
            if not found.ispkg or found.name.startswith("_"):
                continue
            path = f"{package}.{found.name}"
            try:
                module = import_module(path)
            except Exception as error:
                self._leave_out(path, error)
            else:
                if hasattr(module, "PROVIDER"):
                    yield f"{path}.PROVIDER", module.PROVIDER

    def _from_entry_points(self) -> Iterator[tuple[str, Any]]:
        for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
            package = f" of {point.dist.name}" if point.dist else ""
            source = f"{ENTRY_POINT_GROUP}: {point.name} = {point.value}{package}"
            try:
                value = point.load()
            except Exception as error:
                self._leave_out(source, error)
            else:
                yield source, value

    def _leave_out(self, source: str, error: Exception) -> None:
        detail = f"{type(error).__name__}: {error}"
        self.problems.append(Problem(source, "not_importable", detail))

    def _add(self, source: str, value: Any) -> None:
        if not isinstance(value, Provider):
            self.problems.append(Problem(source, "not_a_provider", type(value).__name__))
        elif self.providers.get(value.name) is value:
            return  # named before, on its own
        elif wrong := _malformed(value):
            self.problems.append(Problem(source, "malformed", wrong))
        elif name := self._name_in_use(value):
            self.problems.append(Problem(source, "duplicate", name))
        else:
            self._register(value)

    def _name_in_use(self, provider: Provider) -> str:
        """What another provider, or the server itself, has the name of already."""
        if provider.name in self.providers:
            return provider.name
        for variable in provider.environment:
            if variable.name in self._variables:
                return variable.name
        names = ((one.kind, one.name or provider.name) for one in provider.stages)
        return next((f"{kind} {name}" for kind, name in names if name in self._entries[kind]), "")

    def _register(self, provider: Provider) -> None:
        self.providers[provider.name] = provider
        self._variables |= {variable.name for variable in provider.environment}
        for stage in provider.stages:
            named = replace(
                stage, name=stage.name or provider.name, label=stage.label or provider.label
            )
            self._entries[stage.kind][named.name] = named
            self._provider_of[stage.kind, named.name] = provider


def _malformed(provider: Provider) -> str:
    """What keeps a declaration from being used; empty where nothing does."""
    prefix = f"{provider.name.upper().replace('-', '_')}_"
    for name in (provider.name, *(stage.name for stage in provider.stages if stage.name)):
        if not NAME.fullmatch(name):
            return f"the name {name!r} is not one of small letters, digits, - and _"
    for variable in provider.environment:
        if not variable.name.startswith(prefix):
            return f"the variable {variable.name} does not begin with {prefix}"
    key_variable = provider.account and provider.account.api_key_variable
    if key_variable and not key_variable.secret:
        return f"the variable {key_variable.name} holds a key, but is not declared secret"
    for stage in provider.stages:
        if stage.kind not in KINDS:
            return f"there is no stage {stage.kind!r}"
        if stage.path.count(":") != 1:
            return f"the path {stage.path!r} is not module:Class"
        if stage.capabilities.needs_key and not provider.account:
            return f"{stage.kind} needs a key, but there is no account"
    return ""


# The registry of this process.

_registry: Registry | None = None


def configure(paths: Sequence[str], *, reserved_variables: Collection[str] = ()) -> Registry:
    """Have this process use the providers of these paths; the settings do it, once."""
    global _registry  # one a process, as the settings are
    _registry = Registry(paths, reserved_variables=reserved_variables)
    return _registry


def current() -> Registry:
    """This process's registry; all shipped providers where nobody has configured it."""
    return _registry or configure(SHIPPED)


def entries(kind: Kind) -> Mapping[str, StageEntry]:
    return current().entries(kind)


def entry(kind: Kind, name: str) -> StageEntry:
    return current().entry(kind, name)


def account_of(kind: Kind, name: str) -> str:
    return current().account_of(kind, name)


def accounts() -> dict[str, Account]:
    return current().accounts()


@overload
def load(kind: Literal["stt"], config: ProviderConfig) -> SpeechToText: ...
@overload
def load(kind: Literal["llm"], config: ProviderConfig) -> LanguageModel: ...
@overload
def load(kind: Literal["tts"], config: ProviderConfig) -> TextToSpeech: ...
@overload
def load(kind: Kind, config: ProviderConfig) -> Any: ...
def load(kind: Kind, config: ProviderConfig) -> Any:
    """Make the provider that ``config`` names. ``KeyError`` where there is none of that name.

    What the configuration leaves open is the first one of the declared models and voices, but for
    an endpoint, whose models nobody declares. A provider may have a coroutine ``warm()``, which
    does before the first use what takes long.
    """
    known = entry(kind, config.name)
    if not config.name.startswith(ENDPOINT_PREFIX):
        models, voices = known.capabilities.models, known.capabilities.voices
        config = replace(
            config,
            model=config.model or next(iter(models), ""),
            voice=config.voice or next(iter(voices), ""),
        )
    return _imported(known.path)(config)


def prepare(kind: Kind, name: str) -> None:
    """Import what ``load`` will need. It can take a second, so not on an event loop's thread."""
    import_module(entry(kind, name).path.partition(":")[0])


def missing_requirement(entry: StageEntry, language: str = "") -> MissingRequirement:
    """What must still be installed before it can be used here, for a language or at all."""
    if not entry.requirement_check:
        return ""
    try:
        missing: MissingRequirement = _imported(entry.requirement_check)(language)
    except ModuleNotFoundError:
        return "package"
    return missing


def _imported(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)
