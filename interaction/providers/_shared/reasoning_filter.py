"""Takes a model's reasoning out of its answer, where a server leaves it among the text.

Models mark it in many ways, and the marks come cut anywhere. The text is read character by
character, so that its pieces never change what comes of it. Text that only speaks of a mark, in the
middle of a sentence or in code marks, is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from interaction.providers._shared.mark_filter import MarkFilter

NAMES = (
    *(
        "think",
        "thinking",
        "thought",
        "thoughts",
        "reasoning",
        "reason",
        "reflection",
        "seed:think",
    ),
    *("antthinking", "analysis", "inner_monologue", "scratchpad", "internal_thoughts"),
)
"""Names of elements that hold reasoning."""
WRAPPERS = ("answer", "output", "response", "final_answer", "final")
"""Names of elements around the answer, where there was reasoning before it."""
ALL_NAMES = (*NAMES, *WRAPPERS)
ELEMENT = re.compile(rf"<(/?)({'|'.join(ALL_NAMES)})((?:\s[^<>]*)?)>", re.IGNORECASE)
DETAILS = '<details type="reasoning"'
ELEMENT_CLOSES = re.compile(rf"</(?:{'|'.join(NAMES)})\s*>\Z", re.IGNORECASE)
BRACKETS = {
    "[think]": "[/think]",
    "[thinking]": "[/thinking]",
    "[reasoning]": "[/reasoning]",
    "◁think▷": "◁/think▷",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|start_thinking|>": "<|end_thinking|>",
    "<|think|>": "<|/think|>",
    "<|channel>": "<channel|>",
    "<unused94>": "<unused95>",
    "<think_never_used_51bce0c785ca2f68081bfa7d91973934>": (
        "</think_never_used_51bce0c785ca2f68081bfa7d91973934>"
    ),
    "&lt;think&gt;": "&lt;/think&gt;",
}
"""Opening marks that are no elements, and what closes each."""
CLOSERS = frozenset(BRACKETS.values())
CHANNEL_MARKS = frozenset(
    f"<|{name}|>" for name in ("start", "channel", "message", "end", "return", "call", "constrain")
)
"""Of the format in which gpt-oss answers: a header, ``<|message|>``, a body, and its end."""
CHANNEL_HEADS = ("<|start|>", "<|channel|>")
CHANNEL_ENDS = ("<|end|>", "<|return|>", "<|call|>")
DROPPED = frozenset(
    {
        *("<|begin_of_solution|>", "<|end_of_solution|>", "<|start_response|>"),
        *("<|end_response|>", "[begin final response]", "[end final response]"),
    }
)
"""Marks around the answer."""
LITERALS = (*BRACKETS, *CLOSERS, *CHANNEL_MARKS, *DROPPED)
STARTS = frozenset(mark[0] for mark in LITERALS)
LONGEST_MARK = 160
"""Characters."""
MARK_ENDS = frozenset(">]▷;:l")
"""The last characters of what closes reasoning."""
ENDS_SENTENCE = frozenset(".!?。！？…」』”)")
UNOPENED = (
    *(f"{hm}the user " for hm in ("okay, ", "okay, so ", "ok, ", "alright, ", "hmm, ", "so ")),
    *(f"the user {does}" for does in ("is asking", "wants", "asked", "asks", "said", "says")),
    *("let me think about", "okay, let me think", "okay, let's see", "thinking process:"),
    *("we need to answer", "we need to respond", "we need to produce", "i need to figure out"),
    *("here is my thought process:", "here are my reasoning steps:"),
    *(
        "好的，用户",
        "嗯，用户",
        "首先，用户",
        "用户问",
        "用户想",
        "好的，用戶",
        "嗯，用戶",
        "用戶問",
    ),
)
"""How reasoning begins whose opening mark is in the prompt, so that the answer has none."""
BARE_CHANNEL = re.compile(r"analysis[A-Z]")
"""The beginning of an answer in channels whose marks a server has dropped."""
ENDS_UNOPENED = ("assistantfinal", "here is my response:", "[begin final response]")


@dataclass(slots=True)
class _Block:
    """Reasoning that is open."""

    closers: tuple[str, ...]
    """Empty: any element's."""
    given_back: bool
    """It counts as text where nothing closes it."""
    text: str = ""


class ReasoningFilter(MarkFilter):
    def __init__(self, *, opened: bool = False) -> None:
        """``opened``: the answer is known to begin with reasoning that has no opening mark."""
        super().__init__()
        self.reasoning_unopened = False
        """Reasoning was closed that nothing had opened: some of it was passed on."""
        self.any_reasoning = False
        """Some was taken out."""
        self._lead: str | None = ""
        """The beginning of the answer, while it may be reasoning; None: it is known."""
        self._block: _Block | None = _Block((), given_back=True) if opened else None
        self._header: str | None = None
        """The header of a channel so far; None: outside of one."""
        self._any_text = False
        self._line = ""
        """The line so far."""
        self._code = _CodeMarks()
        self._strips = False
        """White space is left out until text comes: the reasoning before it was."""
        self._lacks_space = False
        """Nothing stands any more between the text before reasoning and that after it."""

    def finish(self) -> str:
        """The answer has ended: what still waited."""
        if self._lead:
            self._settle_lead()
        mark, self._mark = self._mark, ""
        if self._block:
            block, self._block = self._block, None
            if block.given_back:
                self._lead = None
                self._out.append(block.text)
        elif self._header is None:
            self._append(mark)
        return self._taken()

    def _read(self, character: str) -> None:
        if self._header is not None:
            self._in_header(character)
        elif self._block:
            self._in_block(self._block, character)
        elif self._lead is not None:
            self._at_start(self._lead + character)
        else:
            self._outside(character)

    # The beginning.

    def _at_start(self, lead: str) -> None:
        self._lead = lead
        begins = lead.lstrip().casefold()
        if any(begins.startswith(phrase) for phrase in UNOPENED) or BARE_CHANNEL.match(lead):
            self._lead, self._block = None, _Block(ENDS_UNOPENED, given_back=True, text=lead)
        elif not ("analysis".startswith(begins) or any(one.startswith(begins) for one in UNOPENED)):
            self._settle_lead()

    def _settle_lead(self) -> None:
        lead, self._lead = self._lead or "", None
        for character in lead:
            self._read(character)

    # Text.

    def _outside(self, character: str) -> None:
        if self._mark:
            self._grow_mark(character)
        elif character in STARTS and not self._code.inside:
            self._mark = character
        else:
            self._append(character)

    def _is_mark(self, text: str) -> bool:
        return _is_mark(text)

    def _may_become_mark(self, text: str) -> bool:
        return _may_become_mark(text)

    def _on_mark(self, mark: str) -> None:
        low = mark.casefold()
        if low in CHANNEL_MARKS:
            if low in CHANNEL_HEADS:
                self._header = low
            self._after_reasoning()
        elif low in DROPPED:
            self._after_reasoning()
        elif low in BRACKETS and self._may_stand_here(low):
            self._open((BRACKETS[low],), low)
        elif low in CLOSERS and self._may_stand_here(low):
            self._closed_unopened()
        elif low.startswith(DETAILS) and self._may_stand_here(low):
            self._open(("</details>",), low)
        elif (element := ELEMENT.fullmatch(mark)) and self._may_stand_here(low):
            self._on_element(mark, element)
        else:
            self._append(mark)

    def _on_element(self, mark: str, element: re.Match[str]) -> None:
        closes, name = element[1], element[2].casefold()
        if name in WRAPPERS:
            if self.any_reasoning:
                self._strips = self._strips or not self._any_text
            else:
                self._append(mark)
        elif closes:
            self._closed_unopened()
        elif not element[3].rstrip().endswith("/"):
            self._open((), mark)

    def _may_stand_here(self, mark: str) -> bool:
        """Nobody speaks of a mark here: it begins a line, or follows the end of a sentence."""
        before = self._line.rstrip()
        special = mark.startswith(("<|", "◁", "</think_never", "<think_never", "<unused"))
        after_reasoning = mark.startswith("</") and self.any_reasoning
        return not before or special or after_reasoning or before[-1] in ENDS_SENTENCE

    def _open(self, closers: tuple[str, ...], mark: str) -> None:
        begins_line = not self._line.strip()
        self._block = _Block(closers, given_back=not begins_line, text=mark)

    def _closed_unopened(self) -> None:
        """A mark that closes what nothing has opened."""
        if not self.any_reasoning:
            self.reasoning_unopened = self._any_text and not self._line.strip()
        self._after_reasoning()

    def _after_reasoning(self) -> None:
        self.any_reasoning = True
        last = self._line[-1:]
        self._strips = not self._any_text or not last or last.isspace()
        self._lacks_space = not self._strips and last.isascii()

    def _append(self, text: str) -> None:
        for character in text:
            space = character.isspace()
            if self._strips and space:
                continue
            if self._lacks_space and not space:
                self._out.append(" ")
            self._strips = self._lacks_space = False
            self._any_text = self._any_text or not space
            self._code.feed(character)
            self._line = "" if character == "\n" else self._line + character
            self._out.append(character)

    # Reasoning.

    def _in_block(self, block: _Block, character: str) -> None:
        block.text += character
        if character not in MARK_ENDS:
            return
        tail = block.text[-LONGEST_MARK:]
        if _closes(block, tail):
            self._block = None
            self._after_reasoning()
        elif block.closers is CHANNEL_ENDS:
            header = next((one for one in CHANNEL_HEADS if tail.casefold().endswith(one)), None)
            if header:
                self._block, self._header = None, header
                self._after_reasoning()

    def _in_header(self, character: str) -> None:
        self._header = header = (self._header or "") + character
        if not header.endswith("<|message|>"):
            if len(header) > LONGEST_MARK:
                self._header = None
                self._append(header)
            return
        self._header = None
        channel = header.rpartition("<|channel|>")[2]
        if channel.startswith(("analysis", "commentary")):
            self._block = _Block(CHANNEL_ENDS, given_back=False)


class _CodeMarks:
    """Whether a text is between code marks: one holds within its line, three until three more."""

    def __init__(self) -> None:
        self._ticks = 0
        self._in_line = False
        self._in_fence = False

    @property
    def inside(self) -> bool:
        return self._in_line or self._in_fence

    def feed(self, character: str) -> None:
        if character == "`":
            self._ticks += 1
            self._in_line = not self._in_line
            if self._ticks == 3:
                self._in_fence, self._in_line = not self._in_fence, False
            return
        self._ticks = 0
        if character == "\n":
            self._in_line = False


def _closes(block: _Block, tail: str) -> bool:
    low = tail.casefold()
    closer = next((one for one in block.closers if low.endswith(one)), "")
    if not closer and block.closers in ((), ENDS_UNOPENED):
        found = ELEMENT_CLOSES.search(tail)
        marks = (one for one in CLOSERS if low.endswith(one))
        closer = found[0] if found else next(marks, "")
    # In code marks the reasoning speaks of it.
    return bool(closer) and tail[: -len(closer)][-1:] != "`"


def _is_mark(text: str) -> bool:
    low = text.casefold()
    details = low.startswith(DETAILS) and low.endswith(">")
    return low in LITERALS or details or bool(ELEMENT.fullmatch(text))


def _may_become_mark(text: str) -> bool:
    low = text.casefold()
    if len(low) > LONGEST_MARK or (">" in low[1:] and not low.startswith(("&", "<|"))):
        return False
    if any(mark.startswith(low) for mark in LITERALS) or DETAILS.startswith(low):
        return True
    if low.startswith(DETAILS):
        return "<" not in low[1:]
    name, space, _ = low[1:].lstrip("/").partition(" ")
    names = [one for one in ALL_NAMES if (one == name if space else one.startswith(name))]
    return low[0] == "<" and "<" not in low[1:] and "//" not in low[:3] and bool(names)
