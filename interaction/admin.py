"""The admin site: rows to look at. What was said is written by the archive alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from interaction.models import ApiToken, Session, Turn


class LookOnly:
    """No adding and no changing; deleting stays, for what has to be forgotten."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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


@admin.register(Turn)
class TurnAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("session", "sequence", "kind", "interrupted", "end_reason", "started_at")
    list_filter = ("kind", "interrupted", "end_reason")
    list_select_related = ("session",)
    search_fields = ("session__id", "session__owner__username")


@admin.register(ApiToken)
class ApiTokenAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Tokens are made by ``manage.py api_token``; here they are looked at and taken back."""

    list_display = ("__str__", "user", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    exclude = ("hashed",)
