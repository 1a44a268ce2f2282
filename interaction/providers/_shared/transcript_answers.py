"""The words in a recogniser's answer, in whatever shape it comes.

Servers that speak OpenAI's transcription API agree on the request more than on the answer:
``{"text": …}``, or only ``segments``, ``chunks`` or ``words``; plain text or subtitles; one JSON
object a line; server-sent events of OpenAI's types or of its chat's, or one a segment, or each
with all words so far. What is not understood is passed over; an answer without words says that
nothing was said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.valid_text import ValidTextStream, valid_text

TEXT_KEYS = (
    *("text", "transcript", "transcription", "punctuated_word", "word", "sentence"),
    "content",
)
"""Where a string is the words."""
PART_KEYS = (
    *("segments", "utterances", "sentences", "chunks", "words", "results", "channels"),
    *("alternatives", "channel", "result", "data", "output", "transcripts"),
    *("choices", "message"),
)
"""Where further objects hold them. Of what is in ``FIRST_IS_BEST``, only one is meant."""
FIRST_IS_BEST = ("alternatives", "choices")
END = "[DONE]"
SUBTITLE_TIMES = re.compile(r"^\s*[\d:.,]+\s*-->\s*[\d:.,]+.*$", re.MULTILINE)
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u9fff\uf900-\uffef]")
"""Scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, Chinese, Japanese."""


def words_in(answer: object) -> str:
    """The words of a parsed answer, or of a part of one; empty where there are none."""
    match answer:
        case str():
            return valid_text(answer)
        case list():
            return joined(words_in(part) for part in answer)
        case dict():
            for key in TEXT_KEYS:
                if key in answer and (words := words_in(answer[key])):
                    return words
            for key in PART_KEYS:
                parts = answer.get(key)
                if key in FIRST_IS_BEST and isinstance(parts, list):
                    parts = parts[:1]
                if isinstance(parts, dict | list) and (words := words_in(parts)):
                    return words
    return ""


def joined(texts: Iterable[str]) -> str:
    """Pieces of one text, with a space where they bring none and their script wants one."""
    whole = ""
    for text in texts:
        bare = not whole or not text or whole[-1].isspace() or text[0].isspace()
        if not bare and not (UNSPACED.match(whole[-1]) and UNSPACED.match(text[0])):
            whole += " "
        whole += text
    return whole


class TranscriptAnswer:
    """An answer as it comes, line by line: an event stream, JSON on one line or many, or text."""

    def __init__(self, errors: ErrorMapping, content_type: str = "") -> None:
        self._errors = errors
        self._is_json = "json" in content_type
        self._events = _TranscriptEvents(errors)
        self._event: list[str] = []
        """Lines of the event that is not complete yet."""
        self._body: list[str] = []
        """Lines that are no event stream's."""
        self.ended = False
        """The stream has said so: nothing more is to be waited for."""

    def feed(self, line: str) -> str | None:
        """The transcript so far, where this line adds to it."""
        line = line.removeprefix("\ufeff")
        field, _colon, value = line.partition(":")
        if self._body or not (field in ("data", "event", "id", "retry", "") or not line):
            self._body.append(line)
            return None
        if field == "data":
            self._event.append(value.removeprefix(" "))
        return None if line else self._on_event()

    def finish(self) -> str:
        """The whole transcript. Raises what an error in the answer means, and a protocol error
        for what is no transcript."""
        self._on_event()
        if body := "\n".join(self._body).strip():
            self._on_body(body)
        return self._events.text.strip()

    def _on_event(self) -> str | None:
        before = self._events.text
        data, self._event = "\n".join(self._event), []
        # Lines without an empty one between them are events of their own.
        for event in [data] if _parses(data) else data.split("\n"):
            if event.strip().strip('"').upper() == END:
                self.ended = True
            elif event.strip():
                looks_like_json = event.lstrip().startswith(("{", "[", '"')) or _parses(event)
                self._events.feed(json.loads(event) if looks_like_json else event)
        return None if self._events.text == before else self._events.text

    def _on_body(self, body: str) -> None:
        if _parses(body):
            self._events.feed(json.loads(body))
            return
        lines = [line for line in body.splitlines() if line.strip() and line.strip() != END]
        if all(line.lstrip().startswith(("{", '"')) and _parses(line) for line in lines):
            for line in lines:
                self._events.feed(json.loads(line))
        elif self._is_json or (body.startswith(("{", "[{", "<")) and not body.startswith("<|")):
            raise self._errors.unintelligible()
        else:
            self._events.feed(_without_subtitle_marks(body))


class _TranscriptEvents:
    """What the parts of an answer come to, in their order."""

    def __init__(self, errors: ErrorMapping) -> None:
        self._errors = errors
        self._deltas = ValidTextStream()
        self._parts: list[tuple[object, str]] = []
        """Where each finished part starts, if that is said, and its words."""
        self._interim = ""
        self._done = ""

    @property
    def text(self) -> str:
        parts = [*(words for _start, words in self._parts), self._interim]
        return self._done or self._deltas.text or joined(parts)

    def feed(self, event: object) -> None:
        if not isinstance(event, dict):
            self._add_part(None, words_in(event))
            return
        self._raise_error(event)
        kind = event.get("type")
        if (delta := _delta_in(event)) is not None:
            self._deltas.feed(delta)
        elif isinstance(kind, str) and kind.endswith((".done", ".completed")):
            self._done = words_in(event) or self._done
        elif event.get("is_final", event.get("final")) is False:
            self._interim = words_in(event)
        else:
            self._interim = ""
            self._add_part(event.get("start"), words_in(event))

    def _add_part(self, start: object, words: str) -> None:
        if not words.strip():
            return
        same_place = not self._parts or start == self._parts[-1][0]
        so_far = joined(part for _start, part in self._parts).strip()
        if same_place and so_far and words.strip().startswith(so_far):
            self._parts = [(start, words)]  # all words so far, not only the new ones
        else:
            self._parts.append((start, words))

    def _raise_error(self, event: dict[str, Any]) -> None:
        error = event.get("error")
        if not error and event.get("status") != "error" and event.get("type") != "error":
            return
        code = error.get("code") if isinstance(error, dict) else event.get("code")
        raise self._errors.error_code(str(code or ""))


def _delta_in(event: dict[str, Any]) -> str | None:
    """The text that an event adds: in OpenAI's shape, or in that of its chat, as vLLM has it."""
    delta = event.get("delta")
    choices = event.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        delta = choices[0].get("delta")
        delta = delta.get("content") or "" if isinstance(delta, dict) else None
    return delta if isinstance(delta, str) else None


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _without_subtitle_marks(text: str) -> str:
    """The words of SRT or WebVTT; any other text as it is."""
    if not SUBTITLE_TIMES.search(text):
        return text
    lines = [line.strip() for line in text.splitlines()]
    spoken = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        is_name_of_cue = bool(SUBTITLE_TIMES.match(following))
        if not (is_name_of_cue or SUBTITLE_TIMES.match(line) or line.startswith("WEBVTT")):
            spoken.append(line)
    return joined(line for line in spoken if line)
