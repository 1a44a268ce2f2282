"""Moonshine's model, run by onnxruntime: sound in, tokens and text out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

RATE = 16_000
START, END = 1, 2
TOKENS_PER_SECOND = 6.5
TOKENS_BESIDE = 6
"""How many tokens speech can have at most: a model that repeats itself stops there."""
LEAST_SAMPLES = RATE // 2
"""Shorter sound is filled up with silence: a single short word is understood better so."""
LONGEST_CYCLE = 12
"""Tokens. What is repeated without a change in between is looked for up to this length."""
CREDITS = re.compile(r"©.*|thank(?:s| you)(?: (?:so|very) much)? for watching[.!]*", re.I)
"""The last words of films, which the model has learned to hear in music."""
REPEATS = {1: 8, 2: 6}
"""From so many repetitions on, by the number of tokens that are repeated, it is the model and not
the person who repeats; four for longer ones. Who counts "five, five, five, five" is understood."""


OLD_SPELLINGS = (
    (re.compile(r"\b(to)-(day|morrow|night)\b", re.I), r"\1\2"),
    (re.compile(r"\b(good)-(b)ye?\b", re.I), r"\1\2ye"),
)
"""The model has learned from old books, too."""


class Transcriber:
    """One model. Slow: a tenth of a second for three seconds of speech."""

    def __init__(self, folder: Path) -> None:
        self._encoder = _session(folder / "encoder_model.ort")
        self._decoder = _session(folder / "decoder_model_merged.ort")
        self._tokens = _read_tokens((folder / "tokenizer.bin").read_bytes())
        # The base model has no masks, the tiny one wants them.
        self._encoder_inputs = {one.name for one in self._encoder.get_inputs()}
        self._decoder_inputs = {one.name for one in self._decoder.get_inputs()}
        self._outputs = [
            one.name.replace("present", "past_key_values", 1) for one in self._decoder.get_outputs()
        ]
        self._no_past = {
            one.name: np.zeros((1, one.shape[1], 0, one.shape[3]), dtype=np.float32)
            for one in self._decoder.get_inputs()
            if one.name.startswith("past_key_values")
        }

    def transcribe(self, samples: np.ndarray, draft: Sequence[int] = ()) -> list[int]:
        """The tokens of what is said, the likeliest at each step.

        ``samples``: mono float32 at 16 kHz, -1 to 1. ``draft``: what is probably said, the tokens
        of an earlier part of the same sound for one: as many as are right are taken over in a
        single step, so the answer comes sooner, and is the same.
        """
        limit = round(TOKENS_PER_SECOND * len(samples) / RATE) + TOKENS_BESIDE
        if len(samples) < LEAST_SAMPLES:
            samples = np.pad(samples, (0, LEAST_SAMPLES - len(samples)))
        decoding = _Decoding(self, self._encode(samples), len(samples))
        tokens: list[int] = []
        proposed = list(draft[:limit])
        while len(tokens) < limit:
            found = decoding.step([*(tokens[-1:] or [START]), *proposed])
            right = _same_start(found, proposed)
            tokens += found[: right + 1]
            decoding.keep(len(tokens))
            proposed = []
            if END in tokens:
                return tokens[: tokens.index(END)]
            if cycle := _cycle(tokens):
                return tokens[:-cycle]
        return tokens[:limit]

    def text(self, tokens: Sequence[int]) -> str:
        """What the tokens spell; nothing where that is what the model takes music for."""
        joined = b"".join(self._tokens[token] for token in tokens if token < len(self._tokens))
        text = joined.decode(errors="ignore").replace("▁", " ").strip()
        return "" if CREDITS.fullmatch(text) else respelled(text)

    def _encode(self, samples: np.ndarray) -> np.ndarray:
        values = samples[np.newaxis].astype(np.float32)
        given = {"input_values": values}
        if "attention_mask" in self._encoder_inputs:
            given["attention_mask"] = np.ones(values.shape, dtype=np.int64)
        hidden: np.ndarray = self._encoder.run(None, given)[0]
        return hidden


class _Decoding:
    """The decoder's state while one piece of sound is transcribed."""

    def __init__(self, model: Transcriber, hidden: np.ndarray, samples: int) -> None:
        self._session = model._decoder
        self._outputs = model._outputs
        self._past = dict(model._no_past)
        self._given = {"encoder_hidden_states": hidden}
        if "encoder_attention_mask" in model._decoder_inputs:
            # By samples: the model thins it out to the hidden states itself.
            self._given["encoder_attention_mask"] = np.ones((1, samples), dtype=np.int64)
        self._begun = False

    def step(self, tokens: Sequence[int]) -> list[int]:
        """What follows upon each of ``tokens``, which follow upon those before."""
        answers = self._session.run(
            None,
            self._given
            | self._past
            | {
                "input_ids": np.array([tokens], dtype=np.int64),
                "use_cache_branch": np.array([self._begun]),
            },
        )
        for name, value in zip(self._outputs[1:], answers[1:], strict=True):
            # What the sound gives is computed by the first step alone; later ones leave it empty.
            if not (self._begun and ".encoder." in name):
                self._past[name] = value
        self._begun = True
        found: list[int] = answers[0][0].argmax(axis=-1).tolist()
        return found

    def keep(self, length: int) -> None:
        """Forget what was computed for proposals beyond the first ``length`` positions."""
        for name, value in self._past.items():
            if ".decoder." in name and value.shape[2] > length:
                self._past[name] = value[:, :, :length]


def respelled(text: str) -> str:
    """The text as it is spelt nowadays: "today" for "to-day"."""
    for old, new in OLD_SPELLINGS:
        text = old.sub(new, text)
    return text


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # A thread that waits for work must not keep a core busy.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )


def _read_tokens(data: bytes) -> list[bytes]:
    """Each is its length and its bytes; a length from 128 on takes two bytes."""
    tokens, at = [], 0
    while at < len(data):
        size, at = data[at], at + 1
        if size >= 128:
            size, at = size - 128 + 128 * data[at], at + 1
        tokens.append(data[at : at + size])
        at += size
    return tokens


def _same_start(one: Sequence[int], other: Sequence[int]) -> int:
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _cycle(tokens: Sequence[int]) -> int:
    """How many of the last tokens only repeat those before them, over and over."""
    for length in range(1, LONGEST_CYCLE + 1):
        repeats = REPEATS.get(length, 4)
        last = tokens[-length:]
        whole = repeats * length
        if len(tokens) >= whole and list(tokens[-whole:]) == repeats * list(last):
            return whole - length
    return 0
