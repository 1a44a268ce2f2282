"""Conversations that nobody had, for measuring: many, plausible, and the same for the same seed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from interaction.models import Session, Turn, TurnLatency

WithTurns = tuple[Session, Sequence[Turn]]
"""A session, and all of its turns in their order, with latencies."""

DAYS = 548
"""Eighteen months, over which they are spread."""
SILENT = 0.03
"""Share of sessions in which nothing is said; half of those never start."""
REALTIME = 0.2

CASCADES = (
    (("moonshine", ""), ("demo", ""), ("espeak", ""), 900),
    (("pocketsphinx", ""), ("demo", ""), ("espeak", ""), 1100),
    (("openai", "gpt-transcribe"), ("openai", "gpt-5-mini"), ("openai", "gpt-4o-mini-tts"), 1700),
    (("openai-live", "gpt-live-transcribe"), ("openai", "gpt-5-mini"), ("espeak", ""), 1300),
    (
        ("deepgram", "nova-3"),
        ("anthropic", "claude-haiku-5-5"),
        ("openai", "gpt-4o-mini-tts"),
        1400,
    ),
    (
        ("deepgram", "nova-3"),
        ("anthropic", "claude-sonnet-5-5"),
        ("elevenlabs", "eleven_flash_v2_5"),
        1600,
    ),
    (
        ("deepgram", "nova-2"),
        ("gemini", "gemini-3.8-flash"),
        ("elevenlabs", "eleven_multilingual_v2"),
        1500,
    ),
    (("endpoint:home", "whisper-large-v3"), ("endpoint:home", "qwen3"), ("hibari", ""), 2200),
)
"""(stt, llm, tts), each (name, model), and the usual total in ms."""
REALTIMES = (
    (("openai", "gpt-realtime-2.1"), 750),
    (("openai", "gpt-realtime-2.1-mini"), 600),
    (("gemini", "gemini-3.8-live"), 850),
    (("parley", "default"), 1200),
)

TOPICS = {
    "en": (
        *("weather", "train to Paris", "hotel booking", "pasta recipe", "garden", "tax form"),
        *("birthday present", "football match", "old bicycle", "job interview", "moon landing"),
        *("piano lesson", "broken printer", "mountain hike", "library card", "electric car"),
        *("cat", "meeting on Monday", "café on the corner", "window seat", "Portuguese verbs"),
    ),
    "zh-Hant": (
        *("天氣", "去臺北的火車", "旅館訂房", "牛肉麵食譜", "花園", "報稅", "生日禮物", "棒球比賽"),
        *("舊腳踏車", "工作面試", "登月", "鋼琴課", "印表機", "爬山", "借書證", "電動車", "貓"),
        *("星期一的會議", "轉角的咖啡館", "靠窗的座位", "語音助理"),
    ),
}
SAID = {
    "en": (
        "what do you know about the {topic}",
        "can you help me with the {topic} please",
        "I was thinking about the {topic} again and I don't know where to start",
        "how much does the {topic} cost in {number}",
        "tell me more about the {topic}",
        "no that's not what I meant the {topic} for {name}",
        "remind {name} of the {topic} at {number}",
        "okay thank you and what about the {topic}",
    ),
    "zh-Hant": (
        "請問{topic}怎麼樣",
        "可以幫我處理{topic}嗎",
        "我又在想{topic}的事，不知道從哪裡開始",
        "{topic}大概要多少錢，{number}元夠嗎",
        "再多說一點{topic}",
        "不是，我說的是給{name}的{topic}",
        "提醒{name}{number}點的{topic}",
        "好，謝謝，那{topic}呢",
    ),
}
ANSWERED = {
    "en": (
        "Sure. The {topic} is easier than it looks. Shall I go through it step by step?",
        "Let me think. For the {topic} you'd need about {number}, and a little patience.",
        "Of course. I'd ask {name} about the {topic} first, and then decide.",
        "The {topic} comes up often. Most people start small, and so can you.",
        "Got it: the {topic}, at {number}. Anything else?",
    ),
    "zh-Hant": (
        "當然可以。{topic}其實沒有看起來那麼難，要一步一步來嗎？",
        "讓我想想。{topic}大概需要{number}，還有一點耐心。",
        "好的，我會先問{name}關於{topic}的事，再決定。",
        "很多人問{topic}，大多從小地方開始，你也可以。",
        "收到：{topic}，{number}。還有別的嗎？",
    ),
}
NAMES = {
    "en": ("John", "Zoë", "Aoife", "Dr. Müller", "Priya", "Sam"),
    "zh-Hant": ("小明", "林小姐", "怡君", "王醫師", "阿嬤", "志偉"),
}
RARE = {"en": ("zanzibar", "quinquennial", "ptarmigan"), "zh-Hant": ("鱷梨", "曇花", "魍魎")}
RARELY = 1 / 20_000
TITLES = {"en": ("The {topic}", "Test of the {topic}"), "zh-Hant": ("{topic}", "測試：{topic}")}
METRICS_SHARE = {"end_of_turn_delay": 0.38, "llm_ttft": 0.2, "llm_ttfs": 0.28, "tts_ttfb": 0.2}
"""Of the total, about."""


@dataclass(slots=True)
class Archive:
    """``sessions`` conversations of ``owner`` with ``turns`` turns altogether, which end before
    ``until``. More turns than sessions, which fall on those in which something is said."""

    owner: Any
    sessions: int
    turns: int
    until: datetime
    seed: int = 0
    _random: Random = field(init=False)

    def batches(self, size: int) -> Iterator[list[WithTurns]]:
        """Unsaved rows, the oldest first."""
        self._random = Random(self.seed)
        lengths = self._lengths()
        step = timedelta(days=DAYS) / max(1, self.sessions)
        for start in range(0, self.sessions, size):
            numbers = range(start, min(start + size, self.sessions))
            yield [
                self._session(self.until - step * (self.sessions - number), lengths[number])
                for number in numbers
            ]

    def _lengths(self) -> list[int]:
        """Turns of each session: few in most, many in some."""
        random = self._random
        spoken = [random.random() >= SILENT for _ in range(self.sessions)]
        if not any(spoken):
            spoken[:1] = [True]
        where = [number for number, speaks in enumerate(spoken) if speaks]
        lengths = [0] * self.sessions
        for number in where[: self.turns]:
            lengths[number] = 1
        weights = [random.lognormvariate(0, 0.9) for _ in where]
        for number in random.choices(where, weights, k=max(0, self.turns - len(where))):
            lengths[number] += 1
        return lengths

    def _session(self, created_at: datetime, length: int) -> WithTurns:
        random = self._random
        language = "zh-Hant" if random.random() < 0.3 else "en"
        realtime = random.random() < REALTIME
        served, total = random.choice(REALTIMES) if realtime else _of_cascade(random)
        never = not length and random.random() < 0.5
        status = Session.Status.CREATED if never else Session.Status.ENDED
        topic = random.choice(TOPICS[language])
        titled = length and random.random() < 0.1
        session = Session(
            id=uuid.UUID(int=random.getrandbits(128), version=4),
            owner=self.owner,
            title=random.choice(TITLES[language]).format(topic=topic) if titled else "",
            mode=Session.Mode.REALTIME if realtime else Session.Mode.CASCADE,
            status=status,
            settings={
                "providers": _choices(served, language, realtime=realtime),
                "template_id": random.choice((1, 2, 3, None, None)),
            },
            recording=False,
            end_reason="" if never else "ended_by_client",
            created_at=created_at,
            started_at=None if never else created_at,
        )
        turns = self._turns(session, length, language, total)
        lasts = timedelta(seconds=4 + sum(random.uniform(5, 14) for _ in turns))
        session.ended_at = None if never else created_at + lasts
        return session, turns

    def _turns(self, session: Session, length: int, language: str, total: float) -> list[Turn]:
        topic = self._random.choice(TOPICS[language])
        return [
            self._turn(session, sequence, language, topic, total)
            for sequence in range(1, length + 1)
        ]

    def _turn(
        self, session: Session, sequence: int, language: str, topic: str, total: float
    ) -> Turn:
        random = self._random
        interrupted, failed = random.random() < 0.08, random.random() < 0.02
        words = {
            "topic": topic if random.random() < 0.7 else random.choice(TOPICS[language]),
            "name": random.choice(NAMES[language]),
            "number": random.randint(2, 990),
        }
        if random.random() < RARELY:
            words["topic"] = random.choice(RARE[language])
        reply = "" if failed else random.choice(ANSWERED[language]).format(**words)
        turn = Turn(
            id=uuid.UUID(int=random.getrandbits(128), version=4),
            session=session,
            sequence=sequence,
            mode=session.mode,
            kind=Turn.Kind.TEXT if random.random() < 0.05 else Turn.Kind.SPEECH,
            transcript=random.choice(SAID[language]).format(**words),
            reply=reply,
            heard_text=reply[: len(reply) // 2] if interrupted else reply,
            heard_ms=None if failed else len(reply) * (30 if interrupted else 60),
            interrupted=interrupted and not failed,
            end_reason=_end_reason(interrupted=interrupted, failed=failed),
            error=_error(random) if failed else None,
            started_at=session.created_at + timedelta(seconds=9 * sequence),
            created_at=session.created_at + timedelta(seconds=9 * sequence + 8),
        )
        measured = {} if failed else _latencies(random, total, realtime=session.mode == "realtime")
        if interrupted and not failed:
            measured["yield_ms"] = random.uniform(60, 260)
        TurnLatency(turn=turn, **measured)  # which makes it the turn's
        return turn


def _of_cascade(random: Random) -> tuple[Sequence[tuple[str, str]], float]:
    *served, total = random.choices(CASCADES, (8, 3, 6, 3, 5, 3, 2, 1))[0]
    return served, total


def _choices(served: Any, language: str, *, realtime: bool) -> dict[str, dict[str, str]]:
    stages = (
        {"realtime": served} if realtime else dict(zip(("stt", "llm", "tts"), served, strict=True))
    )
    return {
        stage: {"name": name, "model": model, "voice": "", "language": language}
        for stage, (name, model) in stages.items()
    }


def _end_reason(*, interrupted: bool, failed: bool) -> str:
    if failed:
        return Turn.EndReason.FAILED
    return Turn.EndReason.INTERRUPTED if interrupted else Turn.EndReason.PLAYED


def _error(random: Random) -> dict[str, Any]:
    stage = random.choice(("stt", "llm", "tts"))
    message = "The provider did not answer in time."
    return {
        "stage": stage,
        "provider": "openai",
        "code": "timeout",
        "message": message,
        "retryable": True,
    }


def _latencies(random: Random, usual: float, *, realtime: bool) -> dict[str, float | None]:
    """By column; now and then one that nobody measured."""
    total = usual * random.lognormvariate(0, 0.35)
    shares = {"end_of_turn_delay": 0.4} if realtime else METRICS_SHARE
    columns: dict[str, float | None] = {
        column: round(total * share * random.uniform(0.85, 1.15), 1)
        for column, share in shares.items()
    }
    if not realtime:
        columns["transcription_delay"] = (columns["end_of_turn_delay"] or 0) + random.uniform(5, 90)
    columns["e2e"] = round(total, 1)
    columns["ear"] = round(total + random.uniform(30, 120), 1)
    for column in ("ear", "e2e", "llm_ttft"):
        if random.random() < 0.03:
            columns[column] = None
    return columns
