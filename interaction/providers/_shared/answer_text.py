"""The text of a language model's answer as it is passed on: valid Unicode, without reasoning, and
without marks of the model's template."""

from __future__ import annotations

from collections import OrderedDict
from typing import ClassVar

from interaction.providers._shared.reasoning_filter import ReasoningFilter
from interaction.providers._shared.template_marks import TemplateMarks
from interaction.providers._shared.valid_text import ValidTextStream

Source = tuple[str, str]
"""Address and model of the server that writes."""
MOST_REMEMBERED = 512


class AnswerText:
    """Text in pieces of any size, of one answer.

    Some models' reasoning has no mark that opens it, only one that closes it. The first answer
    shows that, too late for itself; the source's next ones are held back until that mark.
    """

    _unopened: ClassVar[OrderedDict[Source, None]] = OrderedDict()
    """Sources whose reasoning has no opening mark; the longest unused first."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known = source in self._unopened
        self._valid = ValidTextStream()
        self._marks = TemplateMarks()
        self._filter = ReasoningFilter(opened=self._known)

    def feed(self, delta: str) -> str:
        """What can be passed on now; it may be empty."""
        return self._filter.feed(self._marks.feed(self._valid.feed(delta)))

    def finish(self) -> str:
        """No more comes: what still waited."""
        waited = self._marks.feed(self._valid.finish()) + self._marks.finish()
        rest = self._filter.feed(waited) + self._filter.finish()
        if self._filter.reasoning_unopened:
            self._unopened[self._source] = None
        elif self._known and not self._filter.any_reasoning:
            self._unopened.pop(self._source, None)
        while len(self._unopened) > MOST_REMEMBERED:
            self._unopened.popitem(last=False)
        return rest
