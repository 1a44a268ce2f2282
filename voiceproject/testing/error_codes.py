"""The codes of errors, read off the source without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from voiceproject.environment import BASE_DIR

WITH_CODES = {
    *("InvalidMessage", "SessionRefused", "StageGaveUp", "FailureReason", "Failure", "AuthRefused"),
    *("ApiError", "AudioRejected", "RequestRefused", "Explanation", "StageFailed", "EngineLost"),
    *("answer", "cls", "_send_error", "_failure", "_on_failure", "_fail_turn"),
}
"""What is called with the code of an error."""
OPENAIS = ("edges/openai", "api/openai.py")
"""Has OpenAI's own codes."""
ON_SOCKETS = (
    *("interaction/core", "interaction/providers", "interaction/cascade", "interaction/realtime"),
    *("interaction/sessions", "interaction/edges"),
)
"""Where the errors come from that reach a page, over its socket or in a turn that was kept."""
CODE = re.compile("[a-z]+(_[a-z0-9]+)+|unauthenticated")
OPENAIS_WITH_CODES = {"ClientError", "AuthRefused", "error", "error_answer"}
"""What is called with a code of OpenAI's, among its first two arguments."""
ITEM_CODE = re.compile("item_[a-z]+_invalid_item_id")
"""Codes that are handed to what looks an item up."""


def codes_in(source: str) -> Iterator[str]:
    """What is passed to one of ``WITH_CODES``, or assigned to a ``code``."""
    for node in ast.walk(ast.parse(source)):
        for given in _given(node):
            if isinstance(given, ast.Constant) and CODE.fullmatch(str(given.value)):
                yield str(given.value)


def _given(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Call() if ast.unparse(node.func).rpartition(".")[2] in WITH_CODES:
            yield from node.args
            yield from (word.value for word in node.keywords if word.arg == "code")
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            pairs = zip(names, values, strict=False)
            yield from (value for name, value in pairs if ast.unparse(name) == "code")
        case (
            ast.Assign(targets=[ast.Name(id="code")])
            | ast.AnnAssign(target=ast.Name(id="code"), value=ast.expr())
        ):
            assert node.value
            yield node.value


def codes_of(*folders: str) -> set[str]:
    """The codes in the production files of these folders, OpenAI's own left out."""
    files = _production_files(*folders, of_openai=False)
    return {code for file in files for code in codes_in(file.read_text())}


def openais_codes() -> set[str]:
    """The codes with which OpenAI's edge answers."""
    files = _production_files("interaction", of_openai=True)
    return {code for file in files for code in openais_codes_in(file.read_text())}


def openais_codes_in(source: str) -> Iterator[str]:
    yield from ITEM_CODE.findall(source)
    for node in ast.walk(ast.parse(source)):
        for given in _given_to_openais(node):
            if isinstance(given, ast.Constant) and CODE.fullmatch(str(given.value)):
                yield str(given.value)


def _given_to_openais(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Call() if ast.unparse(node.func).rpartition(".")[2] in OPENAIS_WITH_CODES:
            yield from node.args[:2]
            yield from (word.value for word in node.keywords if word.arg == "code")
        case ast.Tuple(elts=[code, _, *_]):
            yield code  # (code, status, message), as an answer is put together


def _production_files(*folders: str, of_openai: bool) -> Iterator[Path]:
    for folder in folders:
        for file in sorted((BASE_DIR / folder).rglob("*.py")):
            path = file.relative_to(BASE_DIR)
            is_openais = any(part in path.as_posix() for part in OPENAIS)
            if not {"tests", "testing"} & set(path.parts) and is_openais == of_openai:
                yield file
