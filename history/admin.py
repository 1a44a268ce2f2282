"""The admin site's view of what was kept: looked at, never changed; and deleted with its files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from history.deletion import CHUNK, Goes, erase, what_goes
from history.models import Batch, Retention, ShareLink
from interaction.admin import LookOnly
from interaction.models import Session, Turn

ToBeDeleted = tuple[list[Any], dict[Any, int], set[str], list[Any]]
"""What is to be deleted, for people; how much of what; lacking permissions; what stands against
it: as in ``ModelAdmin.get_deleted_objects``."""


def _counted(goes: Goes) -> dict[Any, int]:
    return {
        _("Conversations"): goes.sessions,
        _("Turns"): goes.turns,
        _("Minutes of recordings"): round(goes.recorded_minutes),
        _("Megabytes of recordings"): round(goes.megabytes),
        _("Share links"): goes.share_links,
    }


def _in_progress(sessions: Iterable[Session]) -> list[str]:
    return [
        _("The conversation %(session)s is in progress: end it first.") % {"session": session}
        for session in sessions
        if session.status == Session.Status.ACTIVE
    ]


class TurnsOfSession(LookOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Turn
    fields = ("sequence", "kind", "transcript", "reply", "interrupted", "end_reason")
    can_delete = False
    show_change_link = True
    extra = 0


@admin.register(Session)
class SessionAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("__str__", "owner", "mode", "status", "recording", "created_at")
    list_filter = ("mode", "status", "recording", "created_at")
    list_select_related = ("owner",)
    search_fields = ("title", "owner__username", "id")
    inlines = (TurnsOfSession,)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> ToBeDeleted:
        sessions = list(objs)
        counted = _counted(what_goes([session.pk for session in sessions]))
        return [str(one) for one in sessions], counted, set(), _in_progress(sessions)

    def delete_model(self, request: HttpRequest, obj: Session) -> None:
        erase([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        session_ids = list(queryset.values_list("pk", flat=True))
        if len(session_ids) <= CHUNK:
            erase(session_ids)
            return
        Batch.of(request.user, Batch.Kind.DELETE, session_ids)
        messages.info(request, _("The conversations are being deleted."))


@admin.register(Turn)
class TurnAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("session", "sequence", "kind", "interrupted", "end_reason", "started_at")
    list_filter = ("kind", "interrupted", "end_reason")
    list_select_related = ("session",)
    search_fields = ("session__id", "session__owner__username")


@admin.register(ShareLink)
class ShareLinkAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Links are made by their owners; here they are looked at, and taken back for good."""

    list_display = ("__str__", "owner", "session", "turn", "created_at", "expires_at", "revoked_at")
    list_select_related = ("owner", "session", "turn")
    search_fields = ("owner__username", "session__id")
    exclude = ("hashed",)


class RetentionOfUser(admin.StackedInline):  # type: ignore[type-arg]
    model = Retention
    verbose_name_plural = gettext_lazy("How long their conversations are kept")


class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """A person goes with all of their conversations, and those with their files."""

    inlines = (RetentionOfUser,)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()  # whoever is just being made has nothing to keep yet

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> ToBeDeleted:
        people = list(objs)
        sessions = Session.objects.filter(owner__in=people)
        counted = {_("People"): len(people)}
        counted |= _counted(what_goes(list(sessions.values_list("pk", flat=True))))
        active = sessions.filter(status=Session.Status.ACTIVE)
        return [str(one) for one in people], counted, set(), _in_progress(active)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        session_ids = list(Session.objects.filter(owner=obj).values_list("pk", flat=True))
        if len(session_ids) <= CHUNK:
            obj.delete()
            return
        User.objects.filter(pk=obj.pk).update(is_active=False)
        Batch.of(request.user, Batch.Kind.DELETE, session_ids, person=obj)
        message = _("%(name)s cannot sign in any more, and goes with all conversations.")
        messages.info(request, message % {"name": obj})

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            self.delete_model(request, person)


admin.site.unregister(get_user_model())
admin.site.register(get_user_model(), PersonAdmin)
