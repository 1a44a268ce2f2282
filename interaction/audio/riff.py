"""Where the sound is in a WAV file, and how it is encoded.

Headers are often wrong: a recorder that was killed has written no sizes yet, one that writes to a
pipe never knows them, others forget to pad a chunk of odd length. So sizes are taken as hints, as
other tools of the field do, and what lies in the file is what counts.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from interaction.audio.formats import RIFF

ENDLESS = 0x7FFF_0000
"""Length of a chunk, bytes, from which it is not believed: programs that write a WAV to a pipe
cannot know its size and write a huge one into the header."""
MISSING_S = 0.02
"""Seconds that a file may lack of what its header promises; no word is lost in that."""

PCM, FLOAT, A_LAW, MU_LAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
SUBTYPES = {
    (PCM, 1): "PCM_U8",
    (PCM, 2): "PCM_16",
    (PCM, 3): "PCM_24",
    (PCM, 4): "PCM_32",
    (FLOAT, 4): "FLOAT",
    (FLOAT, 8): "DOUBLE",
    (A_LAW, 1): "ALAW",
    (MU_LAW, 1): "ULAW",
}
"""libsndfile's names by (format tag, bytes a sample)."""
KNOWN_CHUNKS = frozenset(
    (
        *(b"fmt ", b"data", b"LIST", b"fact", b"bext", b"cue ", b"smpl", b"inst", b"PEAK", b"JUNK"),
        *(b"junk", b"ds64", b"id3 ", b"ID3 ", b"iXML", b"PAD ", b"FLLR", b"wavl", b"DISP", b"INFO"),
        *(b"_PMX", b"afsp", b"plst", b"labl", b"note", b"minf", b"elm1", b"regn", b"umid", b"SNDM"),
        *(b"chna", b"axml", b"levl", b"cart", b"acid", b"strc"),
    )
)
AFTER_SOUND = (b"TAG", b"ID3", b"APETAGEX", b"<?xml", b"LYRICS")
"""What players append to a file of any kind."""


class NoSound(Exception):
    """Nothing is in the file: the header is all there is."""


class Truncated(Exception):
    """The file ends before its sound does."""


class Damaged(Exception):
    """The file does not say how its sound is encoded, or says what cannot be."""


@dataclass(frozen=True, slots=True)
class Encoded:
    data: memoryview
    rate: int
    channels: int
    subtype: str | None
    """libsndfile's name of the encoding; None for those that need a decoder of their own."""
    big_endian: bool


class Chunk(NamedTuple):
    name: bytes
    start: int
    """Of its body."""
    length: int
    """As its header says."""


class Format(NamedTuple):
    tag: int
    channels: int
    rate: int
    sample_bytes: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.sample_bytes


def parse(content: bytes) -> Encoded:
    """Raises ``NoSound``, ``Truncated`` or ``Damaged``. ``content`` starts with RIFF and WAVE."""
    big_endian = content[:4] == b"RIFX"
    order = ">" if big_endian else "<"
    chunks = _chunks(content, order)
    described = next((chunk for chunk in chunks if chunk.name == b"fmt "), None)
    data = [chunk for chunk in chunks if chunk.name == b"data"]
    if described is None or described.start + 14 > len(content):
        raise Damaged if data else Truncated
    wav_format = _format(content[described.start :][: described.length], order)
    if not data:
        raise Truncated
    sound = next((chunk for chunk in data if chunk.length), data[0])
    if not sound.length and _is_chain(content, sound.start, order):
        raise NoSound
    end = _end_of_sound(content, sound, wav_format, order)
    subtype = SUBTYPES.get((wav_format.tag, wav_format.sample_bytes))
    if subtype:
        end -= (end - sound.start) % wav_format.frame_bytes
    if end <= sound.start:
        raise NoSound
    body = memoryview(content)[sound.start : end]
    return Encoded(body, wav_format.rate, wav_format.channels, subtype, big_endian)


def _chunks(content: bytes, order: str) -> list[Chunk]:
    """The chunks up to the one with the sound."""
    chunks: list[Chunk] = []
    at = 12
    while chunk := _chunk_at(content, at, order):
        chunks.append(chunk)
        at = chunk.start + chunk.length
        ends = chunk.name == b"data" and (chunk.length or not _is_chain(content, at, order))
        if ends and any(known.name == b"fmt " for known in chunks):
            return chunks
        at = _next_chunk(content, at, chunk.length)
    if not any(chunk.name == b"data" for chunk in chunks):
        chunks += _found_chunks(content, order, {chunk.name for chunk in chunks})
    return chunks


def _chunk_at(content: bytes, at: int, order: str) -> Chunk | None:
    name, length = content[at : at + 4], content[at + 4 : at + 8]
    if len(length) < 4 or not all(32 <= byte < 127 for byte in name):
        return None
    return Chunk(name, at + 8, struct.unpack(f"{order}I", length)[0])


def _next_chunk(content: bytes, at: int, length: int) -> int:
    """Where the chunk after this one starts: one of odd length is padded, but not by everybody."""
    padded = at + length % 2
    if content[padded : padded + 4] in KNOWN_CHUNKS:
        return padded
    return at if content[at : at + 4] in KNOWN_CHUNKS else padded


def _found_chunks(content: bytes, order: str, known: set[bytes]) -> list[Chunk]:
    """The chunks that are needed, looked for where a wrong length hides them."""
    found = []
    for name in {b"fmt ", b"data"} - known:
        at = content.find(name, 12)
        if at >= 0 and (chunk := _chunk_at(content, at, order)):
            found.append(chunk)
    return found


def _is_chain(content: bytes, at: int, order: str) -> bool:
    """Whether known chunks follow one another from here to the end of the file."""
    while at < len(content):
        chunk = _chunk_at(content, at, order)
        if chunk is None or chunk.name not in KNOWN_CHUNKS:
            return False
        at = chunk.start + chunk.length + chunk.length % 2
    return at <= len(content) + 1


def _format(body: bytes, order: str) -> Format:
    if len(body) < 14:
        raise Damaged
    tag, channels, rate, _bytes_a_second, block = struct.unpack(f"{order}HHIIH", body[:14])
    bits = struct.unpack(f"{order}H", body[14:16])[0] if len(body) >= 16 else 0
    if tag == EXTENSIBLE and len(body) >= 26:
        tag = struct.unpack(f"{order}H", body[24:26])[0]
    if not channels or not rate:
        raise Damaged
    container = block // channels if block % channels == 0 else 0
    sample_bytes = (bits + 7) // 8
    # 20 and 24 bits often stand in 32; an encoding by companding is always of 8.
    if tag in (A_LAW, MU_LAW):
        sample_bytes = 1
    elif container and (not sample_bytes or (17 <= bits <= 24 and container == 4)):
        sample_bytes = container
    return Format(tag, channels, rate, sample_bytes)


def _end_of_sound(content: bytes, sound: Chunk, wav_format: Format, order: str) -> int:
    size, promised = len(content), sound.start + sound.length
    if sound.length > 0 and promised <= size:
        return size if _goes_on(content, promised, sound, order) else promised
    riff_size = struct.unpack(f"{order}I", content[4:8])[0] + 8
    if 0 < sound.length < ENDLESS and size < riff_size < ENDLESS:
        # Both sizes promise more. Where the file's own is right, only the sound's is wrong.
        second = max(1, wav_format.rate * wav_format.frame_bytes)
        if promised - size > MISSING_S * second:
            raise Truncated
    another = _another_file(content, sound.start)
    return size if another < 0 else another


def _goes_on(content: bytes, promised: int, sound: Chunk, order: str) -> bool:
    """Whether a recorder was killed after it had written a size: there is more behind the sound
    than in it, and it is neither chunks, nor another file, nor what players append."""
    rest = content[promised : promised + 16]
    return (
        len(content) - promised > max(sound.length, 1 << 12)
        and not rest.startswith((*RIFF, *AFTER_SOUND))
        and not any(
            (chunk := _chunk_at(content, at, order)) and chunk.name in KNOWN_CHUNKS
            for at in (promised, promised + 1)
        )
    )


def _another_file(content: bytes, start: int) -> int:
    """Where a second WAV file begins in this one; -1: nowhere."""
    at = content.find(b"WAVEfmt ", start)
    return at - 8 if at - 8 >= start and content[at - 8 : at - 4] in RIFF else -1
