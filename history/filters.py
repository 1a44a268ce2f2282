"""By what a person's conversations can be narrowed down: one declaration for REST and the page.

A field of ``SessionFilter`` is a filter: its name in addresses, its type, its lookup, and its
control on the page. REST answers 422 where a value makes no sense; the page says so beside the
control.
"""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from ninja import FilterConfigDict, FilterLookup, FilterSchema
from pydantic import AfterValidator, Field, ValidationError

from interaction.models import Session
from interaction.sessions.settings import Text

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def _on_the_servers_clock(at: datetime) -> datetime:
    """A time without an offset is one of ``TIME_ZONE``. Raises ValueError where UTC has no such."""
    aware = timezone.make_aware(at) if timezone.is_naive(at) else at
    try:
        aware.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("it is out of range") from error
    return aware


Moment = Annotated[datetime, AfterValidator(_on_the_servers_clock)]


class MomentInput(forms.DateTimeInput):
    """The browser's own picker: of a day, or to the second where the value has a time of day."""

    input_type = "date"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        if len(str(value or "")) > len("2026-11-24"):
            with suppress(ValueError, OverflowError):
                if at := parse_datetime(value):
                    here = timezone.localtime(_on_the_servers_clock(at))
                    context["widget"] |= {
                        "type": "datetime-local",
                        "value": here.replace(tzinfo=None).isoformat(timespec="seconds"),
                    }
        return context


def choice(label: _StrPromise, choices: list[tuple[str, Any]]) -> forms.ChoiceField:
    """A control that offers ``choices`` (value, text), or none of them."""
    return forms.ChoiceField(label=label, choices=[("", _("Any")), *choices], required=False)


def moment(label: _StrPromise) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label, required=False, widget=MomentInput(attrs={"step": "any"})
    )


class SessionFilter(FilterSchema):
    model_config = FilterConfigDict(use_attribute_docstrings=True)

    status: Annotated[
        Literal["created", "active", "ended"] | None, choice(_("State"), Session.Status.choices)
    ] = None
    """Only those in this state: `created` (not started yet), `active` or `ended`."""
    mode: Annotated[
        Literal["cascade", "realtime"] | None, choice(_("Mode"), Session.Mode.choices)
    ] = None
    """Only those that were made for this mode."""
    since: Annotated[Moment | None, FilterLookup("created_at__gte"), moment(_("Since"))] = None
    """Only those made at this time or later, ISO 8601; without an offset it is on the server's
    clock."""
    until: Annotated[Moment | None, FilterLookup("created_at__lt"), moment(_("Before"))] = None
    """Only those made before this time, ISO 8601; without an offset it is on the server's clock."""
    text: Annotated[
        Text | None,
        Field(max_length=200),
        forms.CharField(label=_("Words"), max_length=200, required=False),
    ] = None
    """Only those with these words in their title, or in anything that was said."""

    def filter_text(self, text: str | None) -> Q:
        return Q(pk__in=Session.objects.mentioning(text).values("pk")) if text else Q()


class SessionFilterForm(forms.Form):
    """The controls of ``SessionFilter``, filled from an address.

    A value that makes no sense is an error of its control and narrows nothing; a parameter that is
    no filter is ignored.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, declared in SessionFilter.model_fields.items():
            control = next(part for part in declared.metadata if isinstance(part, forms.Field))
            self.fields[name] = deepcopy(control)

    def clean(self) -> dict[str, Any]:
        given = {name: value for name, value in self.cleaned_data.items() if value}
        try:
            SessionFilter(**given)
        except ValidationError as error:
            for name in {str(wrong["loc"][0]) for wrong in error.errors()}:
                self.add_error(name, _("This value makes no sense here."))
                del given[name]
        return given

    def session_filter(self) -> SessionFilter:
        """Made of the values that make sense."""
        self.is_valid()
        return SessionFilter(**self.cleaned_data)
