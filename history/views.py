"""The archive as pages: a list of conversations, and one conversation."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.views.generic import DetailView, ListView

from history.reading import sessions_of, turns_of
from interaction.models import Session
from interaction.templatetags.latency import values
from interaction.waterfall import lay_out


class SessionList(ListView[Session]):
    """``/history/?page=``. Asked by HTMX, it answers with the rows alone."""

    paginate_by = 25
    template_name = "history/list.html"
    context_object_name = "sessions"

    def get_queryset(self) -> QuerySet[Session]:
        return sessions_of(self.request.user)

    def get_template_names(self) -> list[str]:
        request: Any = self.request
        return ["history/_rows.html"] if request.htmx else [self.template_name]


class SessionDetail(DetailView[Session]):
    template_name = "history/detail.html"
    context_object_name = "session"

    def get_queryset(self) -> QuerySet[Session]:
        return sessions_of(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        turns = list(turns_of(self.object))
        totals = [lay_out(values(turn.latency))[0] or 0 for turn in turns if hasattr(turn, "latency")]
        return super().get_context_data(turns=turns, longest=max([1000.0, *totals]), **kwargs)
