"""Raw PCM as it comes over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

from interaction.providers._shared.error_mapping import ErrorMapping

NOT_PCM = (b"RIFF", b"ID3", b"OggS", b"fLaC", b"{", b"<")


async def whole_samples(pieces: AsyncIterator[bytes], errors: ErrorMapping) -> AsyncIterator[bytes]:
    """Cut s16le anew, so that every piece has an even length.

    Raises a protocol error for what is something else, or nothing at all.
    """
    rest, started = b"", False
    async for piece in pieces:
        if not started and (rest + piece).startswith(NOT_PCM):
            raise errors.protocol_error("sent something else than raw PCM")
        pcm = rest + piece
        whole = len(pcm) & ~1
        pcm, rest = pcm[:whole], pcm[whole:]
        if pcm:
            started = True
            yield pcm
    if not started:
        raise errors.protocol_error("sent no audio")
