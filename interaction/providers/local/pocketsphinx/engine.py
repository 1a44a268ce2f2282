"""The engine process that recognises speech with PocketSphinx.

Messages in: ``open``, ``audio`` (mono s16le, 16 kHz, even length), ``flush``, ``end``, ``drop``.
Messages out: ``partial``, ``flush`` and ``end``, each with the whole text so far, ``decoded`` with
a number of bytes, or ``busy`` where too many wait already.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from pocketsphinx import Decoder

from interaction.audio.narrowband import Widening
from interaction.providers.local._shared.engine_pipe import Message, ParentPipe

PIECE = 3_200
"""Bytes decoded at a time, 100 ms: always the same, since how the audio is cut shows in the
running cepstral mean, and the text must not depend on how the audio happened to arrive."""
PROGRESS_EVERY = 10 * PIECE
"""Bytes decoded between two reports of progress."""
SEGMENT = 150
LONGEST_SEGMENT = 600
"""Pieces. A segment's end costs a second pass over all of it, a twentieth of its length: whoever
talks for long would wait for it at the end, so it is made at a pause on the way."""
MOST_DECODERS = 4
"""Each takes about 100 MB and half a second to load."""
MOST_WAITING = 32
"""Utterances that wait for a decoder, their audio kept, before others are turned away."""
CEPSTRAL_MEAN = "40.85,4.49,0.90,5.24,-0.52,0.43,-0.99,-1.42,-1.36,-2.12,0.83,-0.09,1.08"
"""Where the running mean starts in each utterance: the average over five English voices.
The model's own start (40,3,-1,0,…) gives half as many errors again."""
QUIET = np.random.default_rng(0).uniform(-3, 3, 12_800).astype("<i2").tobytes()
"""0.8 s of next to nothing, decoded before each utterance: noise estimate and search settle in it.
Without it a recording that begins a little earlier or later gives other words: on the average two
more errors in fifty words of read prose. Short sentences are as good or better with it."""
LANGUAGE_WEIGHT = 5
WORD_PENALTY = 0.3
"""How much the language model weighs against the sound. The package's 6.5 and 0.65 make two more
errors in a hundred words of read prose, and more where a recording starts without a silence."""


@dataclass
class Utterance:
    number: int
    decoder: Decoder | None = None
    work: deque[bytes | str] = field(default_factory=deque)
    """Pieces to decode and marks to answer, in order."""
    rest: bytes = b""
    """Audio that does not fill a piece yet."""
    ended_text: str = ""
    """The text of the segments that have ended."""
    last_partial: str = ""
    decoding: bool = False
    warmed_up: bool = False
    """``QUIET`` was decoded before it."""
    decoded: int = 0
    """Bytes since the last report of progress."""
    widening: Widening = field(default_factory=Widening)
    pieces: int = 0
    """Pieces decoded in this segment."""
    loudest: float = 0.0
    """The highest mean level of a piece so far."""

    def feed_audio(self, pcm: bytes) -> None:
        pcm = self.rest + pcm
        whole = len(pcm) // PIECE * PIECE
        self.work.extend(pcm[start : start + PIECE] for start in range(0, whole, PIECE))
        self.rest = pcm[whole:]

    def add_mark(self, word: str) -> None:
        self.work.extend(piece for piece in (self.rest, word) if piece)
        self.rest = b""

    def start_on(self, decoder: Decoder) -> None:
        """Start on this decoder, as if nobody had spoken to it before."""
        decoder.reinit_feat()
        decoder.set_cmn(CEPSTRAL_MEAN)
        self.decoder = decoder

    def release(self) -> Decoder:
        assert self.decoder
        if self.decoding:
            self.decoder.end_utt()
        return self.decoder

    def step(self) -> tuple[str, str] | None:
        """Do the next thing; return a word and the text so far if there is news."""
        assert self.decoder
        work = self.work.popleft()
        if isinstance(work, bytes):
            self._decode(work)
            if self._pauses(work):
                self._end_segment()
        else:
            self._end_segment()
        text = self._text()
        if isinstance(work, str):
            return work, text
        if text == self.last_partial:
            return None
        self.last_partial = text
        return "partial", text

    def _decode(self, piece: bytes) -> None:
        assert self.decoder
        if not self.decoding:
            self.decoder.start_utt()
            self.decoding = True
            if not self.warmed_up:
                self.decoder.process_raw(QUIET)
                self.warmed_up = True
        self.decoder.process_raw(self.widening.widen(piece))
        self.decoded += len(piece)
        self.pieces += 1

    def _pauses(self, piece: bytes) -> bool:
        """Is this a place to end a long segment? The longer it is, the less quiet that must be."""
        level = float(np.abs(np.frombuffer(piece, dtype="<i2").astype(np.float32)).mean())
        self.loudest = max(self.loudest, level)
        overdue = (self.pieces - SEGMENT) / (LONGEST_SEGMENT - SEGMENT)
        return overdue > 0 and level <= self.loudest * overdue

    def _end_segment(self) -> None:
        assert self.decoder
        if self.decoding:
            self.decoder.end_utt()
            self.ended_text, self.decoding, self.pieces = self._text(), False, 0

    def _text(self) -> str:
        assert self.decoder
        hypothesis = self.decoder.hyp() if self.decoding else None
        return f"{self.ended_text} {hypothesis.hypstr if hypothesis else ''}".strip()


class RecogniserProcess:
    """Gives every utterance that has a decoder one piece's time in turn."""

    def __init__(self, parent: ParentPipe) -> None:
        self._parent = parent
        self._free = [_load()]
        self._loaded = 1
        self._utterances: dict[int, Utterance] = {}
        self._rota: deque[Utterance] = deque()
        """Those with a decoder."""
        self._waiting: deque[Utterance] = deque()

    def run(self) -> None:
        self._parent.send(0, "ready")
        while not self._parent.gone:
            idle = not any(utterance.work for utterance in self._rota)
            for message in self._parent.messages(wait=idle):
                self._on_message(message)
            self._step()

    def _on_message(self, message: Message) -> None:
        if message.word == "open":
            self._open(message.number)
            return
        utterance = self._utterances.get(message.number)
        if not utterance:
            return
        if message.word == "audio":
            utterance.feed_audio(message.body)
        elif message.word == "drop":
            self._drop(utterance)
        else:
            utterance.add_mark(message.word)

    def _open(self, number: int) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._parent.send(number, "busy")
            return
        utterance = self._utterances[number] = Utterance(number)
        self._waiting.append(utterance)
        self._assign()

    def _assign(self) -> None:
        while self._waiting:
            if not self._free and self._loaded < MOST_DECODERS:
                self._free.append(_load())
                self._loaded += 1
            if not self._free:
                return
            utterance = self._waiting.popleft()
            utterance.start_on(self._free.pop())
            self._rota.append(utterance)

    def _drop(self, utterance: Utterance) -> None:
        del self._utterances[utterance.number]
        if utterance.decoder:
            self._rota.remove(utterance)
            self._free.append(utterance.release())
            self._assign()
        else:
            self._waiting.remove(utterance)

    def _step(self) -> None:
        """Work for the next utterance that has something to do."""
        for _ in range(len(self._rota)):
            utterance = self._rota[0]
            self._rota.rotate(-1)
            if not utterance.work:
                continue
            if news := utterance.step():
                word, text = news
                self._parent.send(utterance.number, word, text)
                if word == "end":
                    self._drop(utterance)
            if utterance.decoded >= PROGRESS_EVERY:
                self._parent.send(utterance.number, "decoded", utterance.decoded)
                utterance.decoded = 0
            return


def _load() -> Decoder:
    return Decoder(samprate=16_000, loglevel="FATAL", lw=LANGUAGE_WEIGHT, wip=WORD_PENALTY)


if __name__ == "__main__":
    RecogniserProcess(ParentPipe()).run()
