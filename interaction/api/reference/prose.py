"""What is written in Markdown, as HTML: descriptions, and sections of ``docs/``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
_CODE = re.compile(r"[a-z]+(_[a-z0-9]+)+")


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    """2 to 4, as on the page."""
    title: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of a document with all that stands below it."""

    html: SafeString
    """Without the section's own heading."""
    headings: list[Heading]
    """Those within, in their order."""
    codes: dict[str, str]
    """Anchors of the codes of errors that its tables explain, by code."""


def description(text: str) -> SafeString:
    """A description, a docstring's too: paragraphs with spans of code."""
    return mark_safe(str(_markdown.render(text)))


def with_codes(text: str, codes: Mapping[str, str]) -> SafeString:
    """A description in which codes of errors lead to where they are explained.

    ``codes``: as of a ``Section``."""
    tokens = _markdown.parse(text)
    for token in tokens:
        linked: list[Token] = []
        for child in token.children or ():
            anchor = codes.get(child.content) if child.type == "code_inline" else None
            link = Token("link_open", "a", 1, {"href": f"#{anchor}"})
            linked += [link, child, Token("link_close", "a", -1)] if anchor else [child]
        if token.children is not None:
            token.children = linked
    return _html(tokens)


def phrase(text: str) -> SafeString:
    """A description without a paragraph around it, for the cell of a table."""
    return mark_safe(str(_markdown.renderInline(text.replace("\n", " "))))


def _html(tokens: list[Token]) -> SafeString:
    return mark_safe(str(_markdown.renderer.render(tokens, _markdown.options, {})))


@cache
def section(document: str, title: str) -> Section:
    """A section of ``docs/{document}.md``. Anchors of headings begin with the document's name,
    those of codes with the section's."""
    level, tokens = _below(_tokens(document), title)
    shift = max(0, 2 - level)
    headings = list(_headings(document, tokens, shift))
    for token in tokens:
        _rewrite(document, token)
    codes = _anchor_codes(slug(title), tokens)
    return Section(_html(tokens), headings, codes)


@cache
def examples() -> dict[str, SafeString]:
    """A message of the socket as JSON, by its type: the first that ``docs/protocol.md`` shows."""
    found: dict[str, SafeString] = {}
    for token in _tokens("protocol"):
        if token.type == "fence" and token.info == "json":
            for message in _objects(token.content):
                text = json.dumps(message, indent=2, ensure_ascii=False)
                found.setdefault(str(message.get("type")), format_html("{}", text))
    return found


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a block: a whole one, or one a line."""
    try:
        yield json.loads(text)
    except ValueError:
        yield from map(json.loads, text.splitlines())


def _tokens(document: str) -> list[Token]:
    text = (settings.BASE_DIR / "docs" / f"{document}.md").read_text(encoding="utf-8")
    return _markdown.parse(text)


def _below(tokens: list[Token], title: str) -> tuple[int, list[Token]]:
    """The level of the heading ``title``, and what follows it up to the next of its level or
    above. Raises ``LookupError``."""
    starts = [at for at, token in enumerate(tokens) if token.type == "heading_open"]
    start = next((at for at in starts if tokens[at + 1].content == title), None)
    if start is None:
        raise LookupError(title)
    level = _level(tokens[start])
    end = next((at for at in starts if at > start and _level(tokens[at]) <= level), len(tokens))
    return level, tokens[start + 3 : end]


def _level(heading: Token) -> int:
    return int(heading.tag[1])


def _headings(document: str, tokens: list[Token], shift: int) -> Iterator[Heading]:
    """Give headings their anchors, and levels that fit the page."""
    opened: Token | None = None
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{_level(token) + shift}"
            opened = token if token.type == "heading_open" else None
        elif opened is not None and token.type == "inline":
            anchor = f"{document}-{slug(token.content)}"
            opened.attrSet("id", anchor)
            title = token.content.replace("`", "").replace("*", "")
            yield Heading(_level(opened), title, anchor)


def slug(title: str) -> str:
    """As GitHub makes anchors of headings."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _rewrite(document: str, token: Token) -> None:
    """Links lead to this page or stay text: the files beside the document are not served. Blocks
    without a language are drawings, which scroll rather than wrap."""
    for child in token.children or ():
        if child.type == "link_open":
            name, _hash, anchor = str(child.attrGet("href")).partition("#")
            if anchor and name in ("", "protocol.md"):
                child.attrSet("href", f"#{name.removesuffix('.md') or document}-{anchor}")
            elif "://" not in name:
                child.attrs = {}
    if token.type == "fence" and not token.info:
        token.attrSet("tabindex", "0")
    if token.type == "table_open":
        token.attrSet("class", "prose-table")


def _anchor_codes(prefix: str, tokens: list[Token]) -> dict[str, str]:
    """Give codes of errors their anchors where a table names them first. Heads of columns without
    a word become ordinary cells, for screen readers."""
    anchors: dict[str, str] = {}
    for before, cell in pairwise(tokens):
        if before.type == "th_open" and not cell.content:
            before.tag = "td"
        for child in (cell.children or ()) if before.type == "td_open" else ():
            code = child.content
            if child.type == "code_inline" and _CODE.fullmatch(code) and code not in anchors:
                anchors[code] = f"{prefix}-{code}"
                child.attrSet("id", anchors[code])
    return anchors
