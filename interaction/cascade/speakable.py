"""Makes written text fit to be spoken: no Markdown, no tags, no raw addresses, no emoji.

What carries meaning stays as it is, in its order; what is markup alone goes; a break that a reader
sees becomes a comma or a full stop of the text's own script. A Markdown parser is of no use here:
it wants whole blocks, while a reply is spoken sentence by sentence, and takes ``2*3*4`` for
emphasis.
What spans sentences (a code block, strong text) is remembered from one to the next.
"""

from __future__ import annotations

import html
import re

import regex

from interaction.cascade.spoken_symbols import (
    plain_mathematics,
    small_figures,
    without_pictures,
)

_FENCE = re.compile(r"[ \t]*(?:[>*+-][ \t]+)*(`{3,}|~{3,})[^`\n]*$")
_RULE = re.compile(r"[ \t]*(?:([-*_])[ \t]*)(?:\1[ \t]*){2,}$|[ \t]*=+[ \t]*$")
_TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$")
_DEFINITION = re.compile(r"[ \t]{0,3}\[[^\]^]+\]:[ \t]*<?https?://\S+.*$")
_FOOTNOTE = re.compile(r"\A[ \t]{0,3}\[\^[^\]\s]+\]:[ \t]*")
_HEADING = re.compile(r"\A[ \t]{0,3}#{1,6}[ \t]+")
_HEADING_END = re.compile(r"[ \t]+#+[ \t]*$")
_QUOTE = re.compile(r"\A[ \t]{0,3}(?:>[ \t]?)+(?![\d=])")
_BULLET = re.compile(r"\A[ \t]*[-*+•‣◦▪–:][ \t]+(?:\[[ xX]\][ \t]+)?")
_NUMBER = re.compile(r"\A[ \t]*\d{1,3}[.)][ \t]")
_CELLS = re.compile(r"(?<!\S)\|(?!\S)|(?<=\S)\|(?=[ \t])|(?<=[ \t])\|(?=\S)")

_TAGS = (
    "a|abbr|address|article|aside|audio|b|big|blockquote|body|br|break|button|caption|center|cite|"
    "code|col|dd|del|details|dfn|div|dl|dt|em|emphasis|figcaption|figure|font|footer|h[1-6]|head|"
    "header|hr|html|i|img|ins|kbd|lang|lexicon|li|main|mark|nav|ol|p|phoneme|picture|pre|prosody|"
    "q|rp|rt|ruby|s|samp|say-as|section|small|span|speak|strike|strong|sub|summary|sup|table|tbody|"
    "td|tfoot|th|thead|time|title|tr|tt|u|ul|var|video|voice|w|wbr|mstts:[a-z-]+|amazon:[a-z-]+"
)
_INLINE = regex.compile(
    rf"""
      (?P<code>(?<!`)(?P<ticks>`+)(?!`)(?P<coded>.+?)(?<!`)(?P=ticks)(?!`))
    | (?P<tick>`+)
    | (?P<comment><!--.*?-->|<!DOCTYPE[^>]*>|<\?xml[^>]*>)
    | <su(?P<level>[pb])>(?P<small>[\d+-]{{1,6}})</su(?P=level)>
    | </?(?P<tag>{_TAGS})(?:(?:\s+[\w:-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'
        |[^\s"'>]+))?)*)\s*/?>
    | (?P<citation>【[^】]*†[^】]*】|【\d+(?:[:,\d\s-]*)】|\ue200[^\ue201]*\ue201
        |\[\^[^\]\s]+\]|\[\s*(?:cite|citation|source)\s*:[^\]]*\]|\[cite_(?:start|end)\])
    | (?P<numbered>\[(?:[1-9]\d{{0,2}})(?:\s?[,–-]\s?[1-9]\d{{0,2}})*\])(?!\()
    | !?\[(?P<label>(?:[^\[\]]|\[[^\[\]]*\])*)\]
        (?:\(\s*<?(?:[^()\s]|\([^()\s]*\))*>?(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)|\[[^\[\]]*[^\W\d][^\[\]]*\])
    | <?(?P<url>\bhttps?://(?:www\.)?(?P<host>[^\s/?\#<>)\]]+)(?P<rest>[^\s<>)\]]*))>?
    | <(?P<email>[\w.+-]+@[\w.-]+\.\w+)>
    | (?P<plain>\b[\w.+-]+@[\w.-]+\.\w+|(?<!\w)[^\W_]+(?:_+[^\W_]+)+(?!\w)|__\w+__(?=\.\w|\()
        |__(?:all|call|dict|doc|enter|exit|file|init|iter|main|name|new|next|repr|str|version)__)
    | \$\$(?P<display>[^$]+)\$\$ | \\\[(?P<bracketed>.+?)\\\] | \\\((?P<inline>.+?)\\\)
    | (?<![\w$\\])\$(?P<dollars>(?=[^$]*[\\^_={{}}]|[^\W\d_]\$)[^\s$](?:[^$\n]*[^\s$])?)\$(?![\d$])
    | \\(?P<escaped>[\\`*_{{}}\[\]()\#+.!|~$<>-])
    | (?P<entity>&(?:\#\d{{1,7}}|\#[xX][\da-fA-F]{{1,6}}|[A-Za-z]\w{{1,30}});)
    | (?P<emphasis>\*+|_+|~~|==)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_CJK = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_SPACE = re.compile(r"\s+")
_SPACE_BEFORE = re.compile(r"\s+(?=[,.。，、！？](?:\s|$))")
_CITED_WORD = re.compile(r"(?:^|[\s(])[^\W\d_]{4,}$|[.,;:!?)\"”’»。，！？]$")

_FULL_STOPS = (
    (regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]"), "。", "，"),
    (regex.compile(r"[\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Oriya}]"), "।", ","),
    (regex.compile(r"[ٹڈڑںےہھ]"), "۔", "،"), (regex.compile(r"\p{Arabic}"), ".", "،"),
    (regex.compile(r"\p{Armenian}"), "։", ","), (regex.compile(r"\p{Ethiopic}"), "።", "፣"),
    (regex.compile(r"\p{Myanmar}"), "။", "၊"), (regex.compile(r"\p{Khmer}"), "។", ","),
    (regex.compile(r"\p{Tibetan}"), "།", "།"), (regex.compile(r"[\p{Thai}\p{Lao}]"), ",", ","),
)  # fmt: skip
"""A script, its full stop and its comma; all others have ``.`` and ``,``."""
_PAUSES = regex.compile(r"[\p{Sentence_Terminal}\p{Terminal_Punctuation}…—–]")
_CLOSERS = "\"'”’»›)]}」』）】》〉*_~`"
_LINE_BREAK, _BLOCK_BREAK = "\n", "\f"
"""Stand for breaks while a piece is worked on; its own are gone by then."""


class SpeechFilter:
    """Turns a reply into what a voice should say, a piece after the other, as they are written."""

    def __init__(self) -> None:
        self._fence = ""
        """The marks that opened the code block at hand; empty outside of one."""
        self._code = ""
        """The backticks of code that began in an earlier piece of this paragraph."""
        self._emphasis: list[str] = []
        """Marks of emphasis that are open, the innermost last."""
        self._line_start = True

    def say(self, piece: str) -> str:
        """What is said of the next piece; empty where there is nothing to say."""
        lines = piece.splitlines(keepends=True)
        if not lines:
            return ""
        said: list[str] = []
        prose: list[str] = []
        for line in lines:
            [body] = line.splitlines()
            code = self._code_line(body) if self._line_start or self._fence else None
            if code is None:
                prose.append(self._block_line(body, ended=body != line))
            else:
                said.append(self._inline("".join(prose)))
                said.append(f"{code}{_LINE_BREAK}" if code else "")
                prose = []
            # The indentation of a line comes at the end of the piece before it.
            self._line_start = body != line or (self._line_start and not body.strip())
        said.append(self._inline("".join(prose)))
        text = without_pictures("".join(said))
        text = _with_pauses(text)
        text = _SPACE_BEFORE.sub("", _SPACE.sub(" ", text)).strip()
        return text if any(c.isalnum() for c in text) else ""

    def _code_line(self, line: str) -> str | None:
        """What is said of a line in a code block, or of one that opens or closes it; None: it is
        none of these."""
        found = _FENCE.match(line)
        if self._fence:
            if found and found[1][0] == self._fence[0] and len(found[1]) >= len(self._fence):
                self._fence = ""
                return ""
            return line
        if found:
            self._fence = found[1]
            self._end_paragraph()
            return ""
        return None

    def _block_line(self, line: str, *, ended: bool) -> str:
        """The line without the marks of its block, then the break that a reader sees."""
        if ended and line.endswith("\\"):
            line = line[:-1]
        if not line.strip():
            if ended and self._line_start:
                self._end_paragraph()
                return _BLOCK_BREAK
            return line + (_LINE_BREAK if ended else "")
        own = False
        if self._line_start:
            if _RULE.match(line) or _TABLE_RULE.match(line) or _DEFINITION.match(line):
                return _BLOCK_BREAK
            line = _FOOTNOTE.sub("", _QUOTE.sub("", line, count=1), count=1)
            own = bool(_HEADING.match(line) or _BULLET.match(line) or _NUMBER.match(line))
            if own:
                self._end_paragraph()
            if _HEADING.match(line):
                line = _HEADING_END.sub("", line)
            line = _BULLET.sub("", _HEADING.sub("", line, count=1), count=1)
        line, is_row = _without_cells(line, starts=self._line_start)
        before = _BLOCK_BREAK if own else ""
        return f"{before}{line}{(_BLOCK_BREAK if own or is_row else _LINE_BREAK) if ended else ''}"

    def _end_paragraph(self) -> None:
        self._code = ""
        self._emphasis.clear()

    def _inline(self, text: str) -> str:
        if self._code and self._code in text:
            coded, text = text.split(self._code, 1)
            self._code = ""
            return coded + self._inline(text)
        if self._code:
            return text
        pieces, at = list[str](), 0
        for found in _INLINE.finditer(text):
            pieces += (text[at : found.start()], self._markup(found))
            at = found.end()
            if found["tick"]:
                break  # code that goes on in the next piece
        return "".join([*pieces, text[at:]])

    def _markup(self, found: regex.Match[str]) -> str:
        """What is said of something that is or looks like markup."""
        kind = {name: value for name, value in found.groupdict().items() if value is not None}
        match kind:
            case {"coded": coded}:
                return str(coded)
            case {"tick": ticks}:
                self._code = ticks
                return ""
            case {"tag": tag}:
                return found.group() if _is_compared(found) else _break_of(tag.lower())
            case {"small": figures, "level": level}:
                return small_figures(figures, raised=level in "pP")
            case {"numbered": numbered}:
                return numbered if _is_meant(found) else ""
            case {"label": label}:
                return str(self._inline(label))
            case {"url": _, "host": host, "rest": rest}:
                return _address(host, rest)
            case {"email": text} | {"plain": text} | {"escaped": text}:
                return str(text)
            case {"entity": entity}:
                return html.unescape(entity)
            case {"emphasis": mark}:
                return self._emphasis_mark(mark, found)
            case {"comment": _} | {"citation": _}:
                return ""
        return plain_mathematics(next(iter(kind.values())))

    def _emphasis_mark(self, mark: str, found: regex.Match[str]) -> str:
        """Empty for a mark of emphasis; the mark itself where it is a sign or part of a word."""
        text, start, end = found.string, found.start(), found.end()
        before, after = text[start - 1 : start], text[end : end + 1]
        opens = bool(after) and not after.isspace()
        closes = bool(before) and not before.isspace()
        within = _is_in_word(before) and _is_in_word(after)
        if len(mark) > 3:
            return mark
        if mark in self._emphasis and (closes or not opens) and not (within and mark == "_"):
            self._emphasis.remove(mark)
            return ""
        if closes and not opens and (inner := self._closed_by(mark)):
            for one in inner:
                self._emphasis.remove(one)
            return ""
        if within and (len(mark) == 1 or after.isdigit() or not _closer(mark, text, end)):
            return mark
        if opens and self._may_open(mark, text, end, before):
            self._emphasis.append(mark)
            return ""
        return "" if len(mark) > 1 and mark[0] in "*~" and closes != opens else mark

    def _closed_by(self, mark: str) -> list[str]:
        """``***`` closes ``**`` and ``*``, each on its own."""
        if len(mark) < 3:
            return []
        parts = [mark[0], mark[0] * 2]
        return parts if all(part in self._emphasis for part in parts) else []

    def _may_open(self, mark: str, text: str, end: int, before: str) -> bool:
        after = text[end]
        if before and (before.isalnum() and not _CJK.match(before)):
            return len(mark) > 1 and _closer(mark, text, end)
        if _closer(mark, text, end):
            return True
        if len(mark) > 1:
            return mark[0] in "*~" or not after.islower()
        return after.isalpha() and not after.islower()


def speakable(text: str) -> str:
    """What a voice should say for a whole text; empty where there is nothing to say."""
    return SpeechFilter().say(text)


def _is_in_word(character: str) -> bool:
    return bool(character) and character.isalnum() and not _CJK.match(character)


def _closer(mark: str, text: str, start: int) -> bool:
    """Whether a mark that closes stands after ``start``."""
    pattern = rf"(?<=\S)(?<!{re.escape(mark[0])}){re.escape(mark)}(?!{re.escape(mark[0])})"
    if len(mark) == 1:  # within a word it closes nothing
        pattern += r"(?![^\W\u3040-\uffff])"
    found = re.compile(pattern).search(text, start + 1)
    outer = text[: start - len(mark)][-1:]
    # a**b**c is a power of a power.
    return found is not None and (found.start() > start + 1 or not _is_in_word(outer))


def _without_cells(line: str, *, starts: bool) -> tuple[str, bool]:
    """A row of a table with commas between its cells; whether it is a row."""
    bare = line.strip()
    closed = starts and bare.startswith("|") and bare.endswith("|") and bare.count("|") > 1
    if closed and (bare[1].isspace() or bare.count("|") > 2):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", bare[1:-1])]
        return _join_cells(cells), True
    if "|" not in line or not _CELLS.search(line) or "||" in line:
        return line, False
    if starts and bare.startswith("|"):
        line = bare[1:]
    cells = [cell.strip() for cell in _CELLS.split(line)]
    return _join_cells(cells), len(cells) > 2


def _join_cells(cells: list[str]) -> str:
    filled = list(filter(None, cells))
    paused = [cell if _PAUSES.match(cell[-1]) else f"{cell}," for cell in filled[:-1]]
    return " ".join([*paused, *filled[-1:]])


def _break_of(tag: str) -> str:
    """A tag is no word, but some are breaks."""
    if tag in ("p", "li", "tr", "hr", "blockquote") or re.fullmatch("h[1-6]", tag):
        return _BLOCK_BREAK
    return _LINE_BREAK if tag in ("br", "break", "div", "dd", "dt") else ""


def _is_compared(found: regex.Match[str]) -> bool:
    """Whether ``a<b>c`` is no tag: it is within a word, and nothing closes it."""
    text, tag = found.string, found["tag"]
    within = _is_in_word(text[found.start() - 1 : found.start()])
    return within and len(tag) == 1 and found.group() == f"<{tag}>" and f"</{tag}>" not in text


def _is_meant(found: regex.Match[str]) -> bool:
    """Whether ``[1]`` is part of the text, an index or an interval, rather than a citation."""
    text, start, end = found.string, found.start(), found.end()
    before, after = text[:start], text[end : end + 1]
    if not before.strip() or (after and (after.isalnum() or after == "=")):
        return True
    if before[-1].isspace():
        return not found["numbered"][1:-1].isdigit()
    if before[-1] == "]" or (before[-2:-1].isalpha() and after in ".,;:!?["):
        return False
    return not _CITED_WORD.search(before[-40:])


def _address(host: str, rest: str) -> str:
    """``https://www.example.com/a-b?c=d.`` is read as ``example.com/a-b.``"""
    path = re.split(r"[?#]", rest)[0]
    end = re.search(r"[.,;:!?*_]*$", rest)
    mark = end[0].strip("*_") if end else ""
    return f"{host}{path.rstrip('.,;:!?*_').rstrip('/')}{mark}"


def _with_pauses(text: str) -> str:
    """Breaks become marks that make a voice pause, where there are none yet."""
    lines = re.split("([\n\f]+)", text)
    said = lines[0]
    for breaks, line in zip(lines[1::2], lines[2::2], strict=True):
        pause = _pause(said.rstrip(), breaks, line)
        said = f"{said.rstrip()}{pause}{'' if pause in ('。', '，') else ' '}{line.lstrip()}"
    return said


def _pause(before: str, breaks: str, after: str) -> str:
    """The mark between two lines; what follows the last line of a piece is another piece."""
    core = before.rstrip(_CLOSERS)
    if not core or _PAUSES.match(core[-1]):
        return ""
    is_block = _BLOCK_BREAK in breaks or breaks.count(_LINE_BREAK) > 1
    if not is_block and not after.strip():
        return ""
    for script, full_stop, comma in _FULL_STOPS:
        if script.search(core[-12:]):
            return full_stop if is_block else comma
    return "." if is_block else ","
