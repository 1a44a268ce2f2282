"""What is ElevenLabs' own: voices by name and by id, and errors in its words."""

from __future__ import annotations

import numpy as np
import pytest

from interaction.providers import errors
from interaction.providers.config import ProviderConfig
from interaction.providers.elevenlabs import VOICE_IDS
from interaction.providers.elevenlabs.tts import TextToSpeech
from interaction.providers.registry import entries
from interaction.tests.standins.elevenlabs import Standin
from interaction.tests.standins.openai import SPEECH_RATE, pitch_of

SAID = "Say 1500 and a little more."


def speaking(server: Standin, voice: str) -> TextToSpeech:
    config = ProviderConfig(
        "elevenlabs", model="any", voice=voice, base_url=server.url, api_key="key"
    )
    return TextToSpeech(config)


def test_the_table_names_the_voices_that_are_known() -> None:
    assert set(entries("tts")["elevenlabs"].capabilities.voices) == set(VOICE_IDS)


@pytest.mark.parametrize(("voice", "id_"), [("George", VOICE_IDS["George"]), ("my/own", "my/own")])
async def test_a_voice_is_named_or_given_by_its_id(voice: str, id_: str) -> None:
    async with Standin() as server:
        provider = speaking(server, voice)
        pcm = b"".join([pcm async for pcm in provider.synthesize(SAID)])
        await provider.aclose()

    body = server.requests[0].body
    assert (body["voice"], body["output_format"]) == (id_, "pcm_24000")
    samples = np.frombuffer(pcm, dtype="<i2")
    loudest = np.abs(np.fft.rfft(samples)).argmax() * SPEECH_RATE / len(samples)
    assert provider.sample_rate == SPEECH_RATE
    assert loudest == pytest.approx(pitch_of(SAID), abs=2)


async def test_silence_is_not_synthesised() -> None:
    async with Standin() as server:
        provider = speaking(server, "Lily")
        assert [pcm async for pcm in provider.synthesize(" \n")] == []
        await provider.aclose()
    assert not server.requests


async def test_no_credits_left_is_no_error_of_the_text() -> None:
    async with Standin() as server:
        server.script("tts", status=400, code="quota_exceeded")
        provider = speaking(server, "Lily")
        with pytest.raises(errors.ProviderUnauthorized, match="quota_exceeded"):
            async for _ in provider.synthesize(SAID):
                pass
        await provider.aclose()
