"""Symbols on their way to a voice: pictures are not said, all that means something is."""

from __future__ import annotations

import re

import regex

_PICTURE = r"[\p{Extended_Pictographic}☀-➿⬀-⯿─-◿]"
_KEPT = "©®™‼⁉〰㊗㊙ℹ↔↕↖↗↘↙⌨⏎Ⓜ♭♮♯"
"""Emoji by Unicode's table that are signs in a text."""
_EMOJI = regex.compile(
    rf"(?:\p{{Regional_Indicator}}|\p{{Emoji_Modifier}}|(?![{_KEPT}]){_PICTURE}"
    r"[\ufe0e\ufe0f\p{Emoji_Modifier}\U000e0020-\U000e007f]*\u200d?)+"
)
_UNSEEN = regex.compile(
    r"[\ufe0e\ufe0f\u20e3\u00ad\ufeff\u2060\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Co}\p{Cs}]"
    r"|(?<![\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])\u200b"
)
"""What no reader sees. Joiners stay: they spell words of Persian and of India's languages."""

_SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_SUBSCRIPTS = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")
_SIGNS = {
    "times": "×",
    "cdot": "·",
    "div": "÷",
    "pm": "±",
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    "ne": "≠",
    "neq": "≠",
    "approx": "≈",
    "infty": "∞",
    "to": "→",
    "sum": "∑",
    "rightarrow": "→",
    "int": "∫",
    "in": "∈",
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "Delta": "Δ",
    "theta": "θ",
    "lambda": "λ",
    "mu": "μ",
    "pi": "π",
    "sigma": "σ",
    "phi": "φ",
    "omega": "ω",
    "Omega": "Ω",
    "circ": "°",
    "degree": "°",
    "quad": " ",
    "qquad": " ",
    "left": "",
    "right": "",
    "ldots": "…",
    "dots": "…",
}
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\{([^{}]*)\}")
_NAMED = re.compile(r"\\(?:text|mathrm|mathbf|mathit|operatorname|textbf|boxed)\{([^{}]*)\}")
_COMMAND = re.compile(r"\\([A-Za-z]+)(?:[ \t]*(?![A-Za-z0-9])|)")


def without_pictures(text: str) -> str:
    """The text without emoji, flags, dingbats, box drawings and what is invisible."""
    return _UNSEEN.sub("", _EMOJI.sub("", text))


def small_figures(figures: str, *, raised: bool) -> str:
    """``2`` as ``²``, or as ``₂``."""
    return figures.translate(_SUPERSCRIPTS if raised else _SUBSCRIPTS)


def plain_mathematics(latex: str) -> str:
    """A formula with signs in the place of TeX's commands; a name it does not know stays."""
    for _ in range(3):  # a root within a fraction within another one
        latex = _FRACTION.sub(r"(\1)/(\2)", latex)
        latex = _NAMED.sub(r"\1", _ROOT.sub(r"√(\1)", latex))
    latex = re.sub(r"\(([\w.]+)\)/", r"\1/", re.sub(r"/\(([\w.]+)\)", r"/\1", latex))
    latex = _COMMAND.sub(lambda found: _SIGNS.get(found[1], found[1]), latex)
    latex = re.sub(r"([\^_])\{([^{}]*)\}", r"\1\2", latex)
    return re.sub(r"\\[,;:! ]", " ", latex).replace("\\", "").strip()
