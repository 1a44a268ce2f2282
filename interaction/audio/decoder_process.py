"""A process that decodes one recording, ``python -m interaction.audio.decoder_process``.

FFmpeg's decoders are native code and are fed what anybody sends. So they run here, without the
server's secrets, with little memory and time; what breaks is this process alone. Only formats that
can be named by their own bytes are opened: no playlist, which could name files and addresses.

Standard input: the file. Standard output: mono s16le. The exit code says how it went.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import resource
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import av
import av.error

from interaction.audio.decoder_exit_codes import NO_SOUND, NOT_DECODABLE, TOO_LONG

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

MEMORY = 1 << 30
"""Bytes of address space beyond the file itself."""
CPU_SECONDS = 120
INDEX_AT_END = frozenset(("mov", "caf"))
"""Formats that are read whole: what is needed first may stand last."""


class Pipe:
    """Standard input as FFmpeg reads it: as it comes, without seeking."""

    def read(self, size: int) -> bytes:
        return os.read(0, size)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=["whole", "stream"])
    parser.add_argument("format")
    parser.add_argument("rate", type=int)
    parser.add_argument("max_seconds", type=float)
    arguments = parser.parse_args()
    av.logging.set_level(None)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    most = int(arguments.max_seconds * arguments.rate)
    try:
        if arguments.how == "stream":
            _limit(resource.RLIMIT_AS, MEMORY)
            return _stream(arguments.format, arguments.rate, most)
        content = sys.stdin.buffer.read()
        _limit(resource.RLIMIT_AS, MEMORY + 2 * len(content))
        return _whole(content, arguments.format, arguments.rate, most)
    except (av.error.FFmpegError, MemoryError, ValueError, OverflowError):
        return NOT_DECODABLE


def _limit(what: int, most: int) -> None:
    # Some systems know the name of a limit and refuse to set it.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(what, (most, most))


def _stream(name: str, rate: int, most: int) -> int:
    """Decode as it comes."""
    source: Any = io.BytesIO(sys.stdin.buffer.read()) if name in INDEX_AT_END else Pipe()
    # Little is looked at before the sound begins: it is waited for.
    options = {} if name in INDEX_AT_END else {"probesize": str(1 << 14), "analyzeduration": "0"}
    samples = 0
    for frame in _frames(source, name, "s16", "mono", rate, options):
        samples += frame.samples
        if samples > most:
            return TOO_LONG
        _write(bytes(frame.planes[0])[: 2 * frame.samples])
    return 0 if samples else NO_SOUND


def _whole(content: bytes, name: str, rate: int, most: int) -> int:
    """Listen to all of it, then decode it again and mix its channels."""
    from interaction.audio.downmix import Downmix

    downmix, samples = Downmix(), 0
    for frame in _frames(io.BytesIO(content), name, "fltp", None, rate, {}):
        samples += frame.samples
        if samples > most:
            return TOO_LONG
        downmix.listen(frame.to_ndarray())
    if not samples:
        return NO_SOUND
    for frame in _frames(io.BytesIO(content), name, "fltp", None, rate, {}):
        _write(downmix.mix(frame.to_ndarray()))
    return 0


def _frames(
    source: Any, name: str, sample_format: str, layout: str | None, rate: int, options: Any
) -> Iterator[av.AudioFrame]:
    """The first audio stream, resampled. ``layout`` None: as many channels as it has. What is
    damaged in the middle is left out, as by every player."""
    with av.open(source, format=name, container_options=options) as container:
        if not container.streams.audio:
            return
        stream: AudioStream = container.streams.audio[0]
        resampler, shape = None, None
        for frame in _decoded(container, stream):
            if shape != (frame.format.name, frame.layout.name, frame.sample_rate):
                if resampler:
                    yield from resampler.resample(None)
                shape = (frame.format.name, frame.layout.name, frame.sample_rate)
                resampler = av.AudioResampler(sample_format, layout or frame.layout, rate)
            assert resampler
            yield from resampler.resample(frame)
        if resampler:
            yield from resampler.resample(None)


def _decoded(container: Any, stream: AudioStream) -> Iterator[av.AudioFrame]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue
        except av.error.EOFError:
            return


def _write(pcm: bytes) -> None:
    sys.stdout.buffer.write(pcm)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
