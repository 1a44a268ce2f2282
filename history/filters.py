"""By what a person's conversations can be narrowed down: one declaration for REST and the page.

A field of ``SessionFilter`` is a filter: its name in addresses, its type, its lookup in
``SessionSummary``, and its control on the page. REST answers 422 where a value makes no sense; the
page says so beside the control.
"""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlencode

from django import forms
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext
from ninja import FilterConfigDict, FilterLookup, FilterSchema
from pydantic import AfterValidator, Field, PrivateAttr, ValidationError

from history.models import SessionSummary, Star, Tag
from history.offers import Offers
from history.search import Search
from interaction.models import Session
from interaction.sessions.settings import RowId, Text

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


@dataclass(frozen=True)
class Group:
    """A heading under which controls stand on the page; what has none stands before them all."""

    heading: _StrPromise


WHEN = Group(_("When"))
WITH = Group(_("With"))
PROVIDERS = Group(_("Providers, as chosen"))
OUTCOME = Group(_("What came of it"))
YOURS = Group(_("Yours"))
YES_OR_NO = [("true", _("Yes")), ("false", _("No"))]
LONGEST_MS = 1e9


class OwnChoice(forms.CharField):
    """A selection of what occurs among the person's own sessions, by ``Offers``: any other value is
    taken too, and finds nothing."""

    widget = forms.Select

    def offer(self, choices: list[tuple[str, str]], chosen: str) -> None:
        if chosen and chosen not in dict(choices):
            choices = [*choices, (chosen, chosen)]
        self.widget.choices = [("", _("Any")), *choices]


def choice(label: _StrPromise, choices: list[tuple[str, Any]]) -> forms.ChoiceField:
    """A control that offers ``choices`` (value, text), or none of them."""
    return forms.ChoiceField(label=label, choices=[("", _("Any")), *choices], required=False)


def own_choice(label: _StrPromise) -> OwnChoice:
    return OwnChoice(label=label, required=False)


def moment(label: _StrPromise) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label, required=False, widget=MomentInput(attrs={"step": "any"})
    )


def milliseconds(label: _StrPromise) -> forms.CharField:
    attrs = {"min": "0", "step": "any", "inputmode": "decimal"}
    return forms.CharField(label=label, required=False, widget=forms.NumberInput(attrs=attrs))


Name = Annotated[Text, Field(max_length=100)]
Model = Annotated[Text, Field(max_length=200)]


Narrowed = TypeVar("Narrowed", bound=QuerySet[Any])
# Compared with a value, which ``silent=False`` is not on SQLite: an index that begins with the
# column is used then, in the list's order.
_SILENT, _SPOKEN = Q(silent__in=[True]), Q(silent__in=[False])


class SessionFilter(FilterSchema):
    model_config = FilterConfigDict(use_attribute_docstrings=True)

    text: Annotated[
        Text | None,
        Field(max_length=200),
        forms.CharField(
            label=_("Words that were said"),
            max_length=200,
            required=False,
            widget=forms.TextInput(attrs={"type": "search", "dir": "auto"}),
        ),
    ] = None
    """Only those with these words in their title, or in anything that was said: all of them, the
    last one as a beginning; quotation marks keep words together."""
    since: Annotated[Moment | None, FilterLookup("created_at__gte"), moment(_("Since")), WHEN] = (
        None
    )
    """Only those made at this time or later, ISO 8601; without an offset it is on the server's
    clock."""
    until: Annotated[Moment | None, FilterLookup("created_at__lt"), moment(_("Before")), WHEN] = (
        None
    )
    """Only those made before this time, ISO 8601; without an offset it is on the server's clock."""
    mode: Annotated[
        Literal["cascade", "realtime"] | None, choice(_("Mode"), Session.Mode.choices), WITH
    ] = None
    """Only those that were made for this mode."""
    stt: Annotated[Name | None, own_choice(_("Speech to text")), PROVIDERS] = None
    """Only those for which this provider of speech to text was chosen, by its name."""
    stt_model: Annotated[Model | None, own_choice(_("Its model")), PROVIDERS] = None
    """Only those for which this model of it was chosen."""
    llm: Annotated[Name | None, own_choice(_("Language model")), PROVIDERS] = None
    """Only those for which this provider of a language model was chosen, by its name."""
    llm_model: Annotated[Model | None, own_choice(_("Its model")), PROVIDERS] = None
    """Only those for which this model of it was chosen."""
    tts: Annotated[Name | None, own_choice(_("Text to speech")), PROVIDERS] = None
    """Only those for which this provider of text to speech was chosen, by its name."""
    tts_model: Annotated[Model | None, own_choice(_("Its model")), PROVIDERS] = None
    """Only those for which this model of it was chosen."""
    realtime: Annotated[Name | None, own_choice(_("Speech to speech")), PROVIDERS] = None
    """Only those for which this provider of speech to speech was chosen, by its name."""
    realtime_model: Annotated[Model | None, own_choice(_("Its model")), PROVIDERS] = None
    """Only those for which this model of it was chosen."""
    template: Annotated[RowId | None, own_choice(_("Prompt template")), WITH] = None
    """Only those for which the prompt template of this id was chosen."""
    language: Annotated[Name | None, own_choice(_("Language")), WITH] = None
    """Only those for which this language was chosen, a BCP 47 tag in any case."""
    status: Annotated[
        Literal["created", "active", "ended"] | None,
        choice(_("State"), Session.Status.choices),
        OUTCOME,
    ] = None
    """Only those in this state: `created` (not started yet), `active` or `ended`."""
    interrupted: Annotated[bool | None, choice(_("Interrupted"), YES_OR_NO), OUTCOME] = None
    """Only those in which a reply was interrupted; false: only those in which none was."""
    failed: Annotated[bool | None, choice(_("With errors"), YES_OR_NO), OUTCOME] = None
    """Only those in which a turn failed; false: only those in which none did."""
    p95_above: Annotated[
        float | None,
        Field(ge=0, le=LONGEST_MS, allow_inf_nan=False),
        FilterLookup("p95_ms__gt"),
        milliseconds(_("p95 above, ms")),
        OUTCOME,
    ] = None
    """Only those whose 95th percentile of the turns' totals is above so many milliseconds; one
    without figures is above nothing."""
    starred: Annotated[bool | None, choice(_("Starred"), YES_OR_NO), YOURS] = None
    """Only those that are starred; false: only those that are not."""
    tag: Annotated[Name | None, own_choice(_("Tag")), YOURS] = None
    """Only those with this tag of the caller's own, in any case."""
    silent: Annotated[
        Literal["only", "too"] | None,
        forms.ChoiceField(
            label=_("Nothing said"),
            required=False,
            choices=[("", _("Leave out")), ("too", _("Show too")), ("only", _("Show alone"))],
        ),
        YOURS,
    ] = None
    """Sessions in which no word was said and nothing failed, or that never started, are left out:
    `too` finds them as well, `only` finds nothing else. `status` finds them where it asks for
    `created` or `active`."""

    _in_order: bool = PrivateAttr(default=False)

    def in_order(self) -> Self:
        """The same filter, but SQLite looks along the index of the list's order for what fits,
        instead of gathering all that does and sorting it: quicker where a few of very many are
        wanted. PostgreSQL decides that by itself."""
        copy = self.model_copy()
        copy._in_order = True
        return copy

    def filter(self, queryset: Narrowed) -> Narrowed:
        """Narrow summaries, or sessions."""
        wanted = self.get_filter_expression() & self._without_silent()
        if queryset.model is SessionSummary:
            return queryset.filter(wanted)
        return queryset.filter(pk__in=SessionSummary.objects.filter(wanted).values("session"))

    # Ninja asks each of these, of None too, and leaves out what None is answered with.

    def filter_text(self, text: str | None) -> Q:
        return Search.of(text or "").sessions(DEFAULT_DB_ALIAS, in_order=self._in_order)

    def filter_language(self, language: str | None) -> Q:
        return Q(language__iexact=language)

    def filter_interrupted(self, interrupted: bool | None) -> Q:
        return Q(interrupted_count__gt=0) if interrupted else Q(interrupted_count=0)

    def filter_failed(self, failed: bool | None) -> Q:
        return Q(failed_count__gt=0) if failed else Q(failed_count=0)

    def filter_starred(self, starred: bool | None) -> Q:
        stars = Q(session__in=Star.objects.values("session"))
        return stars if starred else ~stars

    def filter_tag(self, tag: str | None) -> Q:
        tagged = Tag.sessions.through.objects.filter(tag__key=Tag.key_of(tag or ""))
        if self._in_order:
            return Q(Exists(tagged.filter(session=OuterRef("session"))))
        return Q(session__in=tagged.values("session"))

    def filter_silent(self, silent: str | None) -> Q:
        return _SILENT if silent == "only" else Q()

    def _without_silent(self) -> Q:
        asked_for = self.status in (Session.Status.CREATED, Session.Status.ACTIVE)
        return Q() if self.silent or asked_for else _SPOKEN

    def query(self, **others: Any) -> str:
        """The filter as an address has it, from the question mark on; empty where there is none."""
        given = self.model_dump(mode="json", exclude_none=True) | others
        words = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in given.items()
            if value not in ("", None)
        }
        return f"?{urlencode(words)}" if words else ""


class SessionFilterForm(forms.Form):
    """The controls of ``SessionFilter``, filled from an address.

    A value that makes no sense is an error of its control and narrows nothing; a parameter that is
    no filter is ignored.
    """

    def __init__(self, data: Any, offers: Offers) -> None:
        super().__init__(data)
        for name, declared in SessionFilter.model_fields.items():
            control = next(part for part in declared.metadata if isinstance(part, forms.Field))
            self.fields[name] = field = deepcopy(control)
            if isinstance(field, OwnChoice):
                field.offer(offers.of(name), data.get(name, ""))

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

    def chips(self, wanted: SessionFilter, others: dict[str, str]) -> list[dict[str, str]]:
        """What is set: ``label``, ``value`` for people, and ``query``, the address without it.
        ``others``: parameters that stay."""
        return [
            {
                "label": str(self.fields[name].label),
                "value": self._shown(name),
                "query": wanted.model_copy(update={name: None}).query(**others) or "?",
            }
            for name in wanted.model_dump(exclude_none=True)
        ]

    def _shown(self, name: str) -> str:
        field, value = self.fields[name], self.cleaned_data[name]
        if isinstance(value, datetime):
            return date_format(timezone.localtime(value), pgettext("format of a date", "j M Y"))
        choices = getattr(field.widget, "choices", ())
        return str(dict(choices).get(str(value), value))

    def ungrouped(self) -> list[forms.BoundField]:
        return self._in_group(None)

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """(heading, controls), in the order of the declaration."""
        groups = dict.fromkeys(filter(None, map(_group, SessionFilter.model_fields)))
        return [(str(group.heading), self._in_group(group)) for group in groups]

    def _in_group(self, group: Group | None) -> list[forms.BoundField]:
        return [self[name] for name in SessionFilter.model_fields if _group(name) == group]


def _group(name: str) -> Group | None:
    metadata = SessionFilter.model_fields[name].metadata
    return next((part for part in metadata if isinstance(part, Group)), None)
