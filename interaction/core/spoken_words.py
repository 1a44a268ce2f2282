"""What of a transcript was said: recognisers also write down noises, and marks of their own.

Whisper and its kin answer silence with ``...`` or ``[BLANK_AUDIO]``, music with ``♪`` or
``(soft music)``, and models that mark what they hear write ``<|nospeech|>`` or ``[laughter]`` into
the text. None of that is a word of the person's. Sentences that models are known to make up for
silence ("Thank you for watching!") are left alone: a person may say them.
"""

from __future__ import annotations

import re
import unicodedata

SPECIAL_TOKEN = re.compile(
    r"<\|[^<>|]{1,40}\|>"  # Whisper, SenseVoice: <|nospeech|>, <|en|>, <|0.00|>
    r"|</?(?:s|unk|pad|eps|sil|silence|noise|blank|blk|bos|eos|nospeech|music|laughter|laugh"
    r"|breath|cough|spn|nsn|inaudible|unintelligible)/?>",
    re.IGNORECASE,
)
TIME_MARK = re.compile(r"\[\d[\d:.,]* *--> *\d[\d:.,]*\]")
"""As whisper.cpp writes them before each segment."""

BRACKETS = {"[": "]", "(": ")", "{": "}", "【": "】", "（": "）", "［": "］", "〔": "〕"}
IN_BRACKETS = re.compile(
    "|".join(
        f"{re.escape(opening)}[^{re.escape(opening + closing)}]{{0,80}}{re.escape(closing)}"
        for opening, closing in BRACKETS.items()
    )
)
IN_STARS = re.compile(r"(?<![\w*])(\*{1,2})(?=[^\s*])([^*\n]{1,60})(?<=[^\s*])\1(?![\w*])")
NOTES = re.compile(r"[♩♪♫♬🎵🎶🎼]+")

NOISES = re.compile(
    # A word, whole or its beginning, that a noise's description has in it.
    r"\b(?:applau|background|bang|barking|beep|blank|breath|buzz|chatter|cheer|chime|chirp|chuckl"
    r"|clap|clatter|clears? throat|click|cough|crickets|cry|cries|dings?\b|door|engine|exhal"
    r"|foreign|footsteps|gasp|giggl|groan|growl|grunt|gunshot|hiss|humming|inaudible|indistinct|inhal|knock"
    r"|laugh|mumbl|murmur|music|no audio|no speech|noise|nothing|pause|phone|ring|rumbl|rustl|scoff"
    r"|scream|screech|sigh|silen|singing|siren|slam|sniff|snor|sob|sound|speaking|speech|splash"
    r"|squeak|static|sneez|swoosh|tap|throat|thud|thunder|typing|unintelligible|unclear|unk|whir"
    r"|whisper|whistl|whoosh|wind|yawn)"
    r"|\b(?:musik|gelächter|lachen|lacht|applaus|stille|husten|seufz|geräusch|unverständlich"
    r"|musique|rire|applaudissement|silence|bruit|inaudible|toux|soupir"
    r"|música|musica|risa|aplauso|silencio|ruido|tos|suspir|inaudible|ininteligible"
    r"|risos|palmas|silêncio|ruído|inaudível|musica|risate|applausi|silenzio|rumore"
    r"|muziek|gelach|stilte|музыка|смех|аплодисменты|тишина|кашель|шум|вздох|неразборчиво"
    r"|muzyka|śmiech|cisza|müzik|gülme|alkış|sessizlik|nhạc|tiếng)"
    r"|音乐|音樂|掌声|掌聲|笑|无声|無聲|沉默|静音|靜音|噪音|咳嗽|叹气|嘆氣|听不清|聽不清|哭"
    r"|音楽|拍手|無音|沈黙|雑音|ため息|咳|음악|박수|웃음|침묵|소음|기침|한숨|संगीत|हंसी|तालियां"
    r"|موسيقى|ضحك|تصفيق|صمت",
    re.IGNORECASE,
)


def spoken_words(text: str) -> str:
    """The words of a transcript as they stand, without what is no speech; empty where none is
    left."""
    without_marks = TIME_MARK.sub(" ", SPECIAL_TOKEN.sub(" ", NOTES.sub(" ", text)))
    without_noises = IN_BRACKETS.sub(_keep_unless_noise, without_marks)
    without_noises = IN_STARS.sub(_keep_unless_noise, without_noises)
    if not has_words(without_noises) or _is_all_annotation(without_noises):
        return ""
    if without_noises == text:
        return text.strip()
    return re.sub(r"\s+", " ", without_noises).strip()


def has_words(text: str) -> bool:
    """Whether there is anything to say in it: a letter or a digit of some script."""
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def _keep_unless_noise(found: re.Match[str]) -> str:
    inside = found[0].strip("*[](){}【】（）［］〔〕 ")
    if not has_words(inside):
        return " "
    return " " if NOISES.search(inside.replace("_", " ")) else found[0]


def _is_all_annotation(text: str) -> bool:
    """Nothing stands outside of brackets: whatever they say, nobody says brackets. Digits are
    kept, for a recogniser may write a number as ``(02) 1234`` or ``[5]``."""
    outside = IN_STARS.sub(" ", IN_BRACKETS.sub(" ", text))
    return not has_words(outside) and not any(c.isdecimal() for c in text)
