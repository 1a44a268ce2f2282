"""Moonshine's English models, each in a wheel of the package index."""

from __future__ import annotations

from interaction.providers.local._shared.model_files import ModelFile, WheelModel

_TINY = "moonshine_voice/assets/tiny-en/"
_BASE = "moonshine_cpp-0.1.4.data/purelib/moonshine_cpp/models/base-en/"

MODELS = {
    model.name: model
    for model in (
        WheelModel(
            name="tiny-en",
            language="en",
            requirement="moonshine-voice==0.1.0",
            platform="manylinux_2_34_x86_64",
            wheel_size=56_369_045,
            files=(
                ModelFile(
                    _TINY + "encoder_model.ort",
                    13_281_600,
                    "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
                ),
                ModelFile(
                    _TINY + "decoder_model_merged.ort",
                    30_412_256,
                    "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
                ),
                ModelFile(
                    _TINY + "tokenizer.bin",
                    249_974,
                    "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
                ),
            ),
        ),
        WheelModel(
            name="base-en",
            language="en",
            requirement="moonshine-cpp==0.1.4",
            platform="manylinux2014_x86_64",
            wheel_size=54_645_697,
            files=(
                ModelFile(
                    _BASE + "encoder_model.ort",
                    20_661_976,
                    "9d1a19e044cbf89a207723d1adb667de89a5671a1e3e611b8ebe721b2c31219c",
                ),
                ModelFile(
                    _BASE + "decoder_model_merged.ort",
                    42_703_232,
                    "370e0c1f161d68dc1c2264c1a82024fb123380da3b73f47f05531d1e8d3308c3",
                ),
                ModelFile(
                    _BASE + "tokenizer.bin",
                    241_639,
                    "04670d78994d030185c3dd843c60591788fed0a56cc6750747bd326825f13ca9",
                ),
            ),
        ),
    )
}
"""By name, the one that everybody gets first; both under the MIT licence."""
DEFAULT = "tiny-en"


def for_language(language: str) -> list[WheelModel]:
    """Those for a language (a BCP 47 tag), the best one last."""
    spoken = language.split("-")[0].lower()
    return [model for model in MODELS.values() if model.language == spoken]


def best(language: str, name: str = "") -> WheelModel | None:
    """The model on this disk that serves a language best, or the one that is named."""
    fitting = (model for model in reversed(for_language(language)) if name in ("", model.name))
    return next((model for model in fitting if model.present), None)
