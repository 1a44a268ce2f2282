"""Logging of unexpected exceptions: their types and frames, never their texts.

The text of an exception may quote a transcript, a reply or a secret; its type and the source lines
of its frames hold names alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

NO_FACTS: Mapping[str, object] = MappingProxyType({})


def log_crash(
    logger: logging.Logger,
    error: BaseException,
    facts: Mapping[str, object] = NO_FACTS,
    message: str = "crashed",
) -> None:
    """Log ``message`` and the qualified type at level ERROR, with a traceback that any formatter
    can write: it holds no text of ``error``, of what caused it, or of an exception group's members.

    ``facts``: as for ``extra=``.
    """
    types = ", ".join(qualified_name(type(leaf)) for leaf in leaves(error))
    bare = without_text(error)
    # As a tuple: given the exception alone, logging would put the caller's own frames to it.
    exc_info = (type(bare), bare, bare.__traceback__)
    logger.error("%s: %s", message, types, exc_info=exc_info, extra=dict(facts), stacklevel=2)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions that an exception group holds, at any depth; any other exception itself."""
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from leaves(member)
    else:
        yield error


def qualified_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def without_text(error: BaseException) -> BaseException:
    """A copy that has the type's name, the traceback, the causes and the members of ``error``, all
    without their arguments and notes."""
    return _copied(error, {})


def _copied(error: BaseException, copies: dict[int, BaseException]) -> BaseException:
    """``copies``: those made so far, by the original's ``id``: chains may share exceptions."""
    if id(error) in copies:
        return copies[id(error)]
    bare: BaseException
    if isinstance(error, BaseExceptionGroup):
        members = [_copied(member, copies) for member in error.exceptions]
        bare = _bare_type(type(error), BaseExceptionGroup)("", members)
    else:
        bare = _bare_type(type(error), Exception)()
    copies[id(error)] = bare
    bare.__traceback__ = error.__traceback__
    if error.__cause__ is not None:
        bare.__cause__ = _copied(error.__cause__, copies)
    if error.__context__ is not None:
        bare.__context__ = _copied(error.__context__, copies)
    bare.__suppress_context__ = error.__suppress_context__
    return bare


def _bare_type(kind: type, base: type) -> Any:
    """A type with the name of ``kind``, which writes nothing but its name into a traceback."""
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (base,), names)
