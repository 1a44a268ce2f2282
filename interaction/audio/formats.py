"""Which format bytes are in, by what stands in them: names and content types are often wrong."""

from __future__ import annotations

from collections.abc import Callable

HEAD = 64
"""Bytes from the start that tell most formats."""

CONTAINERS = {
    b"OggS": "ogg",
    b"fLaC": "flac",
    b"ID3": "mp3",
    b"\x1aE\xdf\xa3": "matroska",  # WebM
    b"caff": "caf",
    b".snd": "au",
    b"#!AMR": "amr",
    b"riff\x2e\x91\xcf\x11": "w64",
    b"ADIF": "aac",
}
"""Opening bytes, and FFmpeg's name of the format."""
RIFF = (b"RIFF", b"RIFX", b"RF64", b"BW64")
OTHER = (
    *(b"\x1f\x8b\x08", b"PK\x03\x04", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BZh"),
    *(b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"wvpk", b"MAC ", b"#EXTM3U", b"MThd", b"FLV\x01"),
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF: WMA
)
"""Openings of what is no audio, or none that is decoded here."""

MPEG_BITRATES = {
    # (is MPEG-1, layer): kbit/s by index
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
MPEG_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Hz by version: MPEG-1, 2 and 2.5."""


def format_of(content: bytes) -> str | None:
    """The format by FFmpeg's name, of those that are decoded here; ``content`` is a file, or its
    first ``HEAD`` bytes; two frames are needed to tell MP3 and AAC without a header."""
    if content[:4] in RIFF and content[8:12] == b"WAVE":
        return "wav"
    if content[:4] == b"FORM" and content[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if content[4:8] in (b"ftyp", b"moov", b"mdat", b"styp", b"moof"):
        return "mov"
    for opening, name in CONTAINERS.items():
        if content.startswith(opening):
            return name
    if is_frame_sequence(content, mpeg_frame_bytes):
        return "mp3"
    return "aac" if is_frame_sequence(content, adts_frame_bytes) else None


def is_other(head: bytes) -> bool:
    """Whether this is known to be no audio, or none that is decoded here."""
    return head.startswith((*OTHER, *RIFF, b"FORM")) or is_text(head)


def is_text(head: bytes) -> bool:
    """Whether a server wrote words: JSON, a page, a message. Sound never looks like that."""
    start = head[:HEAD].removeprefix(b"\xef\xbb\xbf")
    return len(start) > 1 and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start)


def may_be_frames(head: bytes) -> bool:
    """Whether it starts like MP3 or AAC, so that the next frame has to be seen."""
    return bool(mpeg_frame_bytes(head) or adts_frame_bytes(head))


def is_frame_sequence(content: bytes, frame_bytes: Callable[[bytes], int]) -> bool:
    """A frame, and right behind it another one or the end. Two bytes of a frame's opening alone
    are nothing special: -1 and what is near it, as samples."""
    length = frame_bytes(content)
    if not length:
        return False
    following = content[length : length + 7]
    return len(content) == length or bool(frame_bytes(following))


def mpeg_frame_bytes(header: bytes) -> int:
    """Length of the MPEG audio frame that starts here; 0 where none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return 0
    bits = 1000 * MPEG_BITRATES[version == 3, layer][bitrate]
    hz, padding = MPEG_RATES[version][rate], header[2] >> 1 & 1
    if layer == 1:
        return (12 * bits // hz + padding) * 4
    return (144 if version == 3 or layer == 2 else 72) * bits // hz + padding


def adts_frame_bytes(header: bytes) -> int:
    """Length of the AAC frame that starts here; 0 where none does."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    if header[2] >> 2 & 15 > 12:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0
