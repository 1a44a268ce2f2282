"""Takes the marks of a chat template out of an answer, where a server leaves them in the text.

A model marks where its turn ends, and one that is not stopped there goes on to write the person's
next line: nothing of that is its answer. A mark that the text only speaks of, in code or quotation
marks, is text.
"""

from __future__ import annotations

from interaction.providers._shared.mark_filter import MarkFilter, is_quoted

ENDS = frozenset(
    {
        *("<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|begin_of_text|>", "<|eot_id|>"),
        *("<|eom_id|>", "<|eot|>", "<|end_of_turn|>", "<end_of_turn>", "<turn|>", "<eos>"),
        *(
            "<｜end▁of▁sentence｜>",
            "<｜begin▁of▁sentence｜>",
            "<|end_of_turn_token|>",
            "<|endofturn|>",
        ),
        *("<|end_header_id|>", "<|header_end|>", "<|end_of_role|>", "<|im_middle|>", "<|eos|>"),
    }
)
"""Marks that end a turn or a header. They stand for themselves: what follows says more."""
HEADS = frozenset(
    {
        *("<|im_start|>", "<|start_header_id|>", "<|header_start|>", "<|start_of_role|>"),
        *("<start_of_turn>", "<|turn>", "<|start_of_turn_token|>"),
    }
)
"""Marks before the name of who speaks."""
ROLES = {
    **dict.fromkeys(("<|assistant|>", "<｜assistant｜>", "<|im_assistant|>"), "assistant"),
    **dict.fromkeys(("<|user|>", "<｜user｜>", "<|im_user|>", "<|observation|>"), "user"),
    **dict.fromkeys(("<|system|>", "<|im_system|>"), "system"),
    "<|chatbot_token|>": "assistant",
    "<|user_token|>": "user",
}
"""Marks that name who speaks."""
CLOSING = "</s>"
"""Ends an answer; elsewhere it is HTML."""
MARKS = ENDS | HEADS | ROLES.keys() | {CLOSING}
OURS = frozenset({"", "assistant", "model", "chatbot", "bot", "ai"})
"""Who the model itself is."""
LONGEST_ROLE = 12
"""Characters."""


class TemplateMarks(MarkFilter):
    def __init__(self) -> None:
        super().__init__()
        self._role: str | None = None
        """The name of who speaks, as far as it was read; None: none is being read."""
        self._held = ""
        """A closing mark, and white space after it, which are dropped if nothing follows."""
        self._last = ""
        """The last two characters passed on."""
        self._any_mark = False
        self._ended = False
        """Somebody else speaks now."""

    def finish(self) -> str:
        """The answer has ended: what still waited."""
        mark, self._mark, self._held = self._mark, "", ""
        for character in mark:
            self._append(character)
        return self._taken()

    def _read(self, character: str) -> None:
        if self._ended:
            return
        if self._role is not None:
            self._in_role(self._role, character)
        elif self._mark:
            self._grow_mark(character)
        elif character == "<" and not is_quoted(self._last):
            self._mark = character
        else:
            self._append(character)

    def _is_mark(self, text: str) -> bool:
        return text.lower() in MARKS

    def _may_become_mark(self, text: str) -> bool:
        return any(mark.startswith(text.lower()) for mark in MARKS)

    def _on_mark(self, mark: str) -> None:
        self._any_mark, low = True, mark.lower()
        if low == CLOSING:
            self._held += mark
        elif low in HEADS:
            self._role = ""
        elif low in ROLES:
            self._role = ROLES[low]
            self._settle_role(self._role)

    def _in_role(self, role: str, character: str) -> None:
        if character.isalpha() and len(role) < LONGEST_ROLE:
            self._role = role + character
            return
        self._settle_role(role)
        if not character.isspace():
            self._read(character)

    def _settle_role(self, role: str) -> None:
        self._role = None
        self._ended = role.lower() not in OURS

    def _append(self, text: str) -> None:
        if self._any_mark and not self._last and text.isspace():
            return  # it belongs to the header
        if self._held:
            self._held += text
            if text.isspace():
                return
            text, self._held = self._held, ""
        self._last = (self._last + text)[-2:]
        self._out.append(text)
