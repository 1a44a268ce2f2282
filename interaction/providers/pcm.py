"""Raw PCM as it comes over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

from interaction.providers.blame import Blame

NOT_PCM = (b"RIFF", b"ID3", b"OggS", b"fLaC", b"{", b"<")


async def whole_samples(pieces: AsyncIterator[bytes], blame: Blame) -> AsyncIterator[bytes]:
    """Cut s16le anew, so that every piece has an even length.

    Raises a protocol error for what is something else, or nothing at all.
    """
    rest, begun = b"", False
    async for piece in pieces:
        if not begun and (rest + piece).startswith(NOT_PCM):
            raise blame.protocol("sent something else than raw PCM")
        pcm = rest + piece
        whole = len(pcm) & ~1
        pcm, rest = pcm[:whole], pcm[whole:]
        if pcm:
            begun = True
            yield pcm
    if not begun:
        raise blame.protocol("sent no audio")
