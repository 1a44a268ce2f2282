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
    files = [path for folder in folders for path in sorted((BASE_DIR / folder).rglob("*.py"))]
    return {code for file in files if _counts(file) for code in codes_in(file.read_text())}


def _counts(file: Path) -> bool:
    path = file.relative_to(BASE_DIR)
    return not {"tests", "testing"} & set(path.parts) and not any(
        part in path.as_posix() for part in OPENAIS
    )
