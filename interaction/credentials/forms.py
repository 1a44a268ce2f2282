"""What people type on the page of their keys. A key that was typed is never written back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator, RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from interaction.models import Endpoint
from interaction.providers.endpoints import http_address

MOST_NAMES = 100
LONGEST_NAME = 200


def key_field(**options: Any) -> forms.CharField:
    return forms.CharField(
        max_length=500,
        validators=[
            RegexValidator(r"\A[\x21-\x7e]+\Z", gettext_lazy("A key has no spaces and no accents."))
        ],
        widget=forms.PasswordInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        ),
        **options,
    )


class KeyForm(forms.Form):
    """Ids of its fields begin with the account's name: a page has one for each."""

    key = key_field(label=gettext_lazy("Key"))

    def __init__(self, account: str, data: Any = None) -> None:
        super().__init__(data, auto_id=f"{account}-%s")
        self.fields["key"].widget.attrs["placeholder"] = _("Paste a key")


class NamesField(forms.CharField):
    """Names with commas between them; a list, without repetitions."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value
        ProhibitNullCharactersValidator()(value or "")  # Django's own looks at texts, not at lists
        names = dict.fromkeys(word for part in (value or "").split(",") if (word := part.strip()))
        if len(names) > MOST_NAMES or any(len(name) > LONGEST_NAME for name in names):
            most = {"names": MOST_NAMES, "characters": LONGEST_NAME}
            raise forms.ValidationError(
                _("Name %(names)d at most, each of %(characters)d characters at most.") % most
            )
        return list(names)


def names_field(label: Any, example: str) -> NamesField:
    attrs = {"autocomplete": "off", "spellcheck": "false", "placeholder": example}
    return NamesField(label=label, required=False, widget=forms.TextInput(attrs=attrs))


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """An endpoint, new or changed. An empty key leaves the one that is there."""

    stt_models = names_field(gettext_lazy("Models that transcribe"), "whisper-large-v3")
    llm_models = names_field(gettext_lazy("Models that answer"), "llama3.2, qwen3")
    tts_models = names_field(gettext_lazy("Models that speak"), "kokoro")
    realtime_models = names_field(gettext_lazy("Realtime models"), "gpt-realtime")
    voices = names_field(gettext_lazy("Voices"), "af_heart, af_bella")
    key = key_field(label=gettext_lazy("Key"), required=False)

    field_order = (
        *("name", "base_url", "key", "stt_models", "llm_models"),
        *("tts_models", "realtime_models", "voices", "sample_rate"),
    )

    class Meta:
        model = Endpoint
        fields = (
            *("name", "base_url", "stt_models", "llm_models"),
            *("tts_models", "realtime_models", "voices", "sample_rate"),
        )

    def __init__(self, data: Any = None, *, instance: Endpoint) -> None:
        ids = f"endpoint-{instance.pk or 'new'}-%s"
        super().__init__(data, instance=instance, auto_id=ids, label_suffix="")
        self._address_was = instance.base_url
        examples = {"name": "home", "base_url": "http://localhost:11434/v1"}
        for name, example in examples.items():
            attrs = self.fields[name].widget.attrs
            attrs |= {"autocomplete": "off", "spellcheck": "false", "placeholder": example}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        namesakes = Endpoint.objects.filter(owner=self.instance.owner, name=name)
        if namesakes.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_namesake())
        return name

    def add_name_taken(self) -> None:
        """What the database says, where two forms with one name were checked at once."""
        self.add_error("name", _namesake())

    def clean_base_url(self) -> str:
        try:
            return http_address(self.cleaned_data["base_url"])
        except ValueError:
            raise forms.ValidationError(
                _("An address begins with http:// or https:// and has no password in it.")
            ) from None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not any(cleaned.get(f"{kind}_models") for kind in Endpoint.KINDS):
            raise forms.ValidationError(_("Name a model for at least one stage."))
        return cleaned

    def save(self, commit: bool = True) -> Endpoint:
        """A key stays with its address: for another one it has to be entered anew."""
        endpoint: Endpoint = self.instance
        key = self.cleaned_data["key"]
        if key or endpoint.base_url != self._address_was:
            endpoint.keep(key)
        super().save(commit)
        return endpoint


def _namesake() -> str:
    return _("You have an endpoint of this name. Choose another name, or change that one.")
