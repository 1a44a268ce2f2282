"""What a person fills in on the pages of kept conversations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from history.models import TurnAnnotation
from history.models.annotation import LONGEST_NOTE


class AnnotationForm(forms.Form):
    """A note on a turn and a thumb; what is not sent stays as it is."""

    note = forms.CharField(
        label=_("Note"), required=False, max_length=LONGEST_NOTE, widget=forms.Textarea
    )
    rating = forms.ChoiceField(
        label=_("Rating"), required=False, choices=TurnAnnotation.Rating.choices
    )

    def given(self) -> dict[str, Any]:
        """The values that were sent."""
        return {name: value for name, value in self.cleaned_data.items() if name in self.data}
