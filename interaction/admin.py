"""The admin site: prompt templates to change, tokens to look at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from interaction.models import ApiToken, PromptTemplate


class LookOnly:
    """No adding and no changing; deleting stays, for what has to be forgotten."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Tokens are made by ``manage.py api_token``; here they are looked at and taken back."""

    list_display = ("__str__", "user", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    exclude = ("hashed",)


class PromptTemplateRow(forms.ModelForm):  # type: ignore[type-arg]
    """A row of the list: its fields stand under a column's name, which no screen reader reads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}: {self.instance.title}"


@admin.register(PromptTemplate)
class PromptTemplateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("title", "language", "order", "active", "changed_by", "changed_at")
    list_editable = ("order", "active")
    list_filter = ("language", "active")
    list_select_related = ("changed_by",)
    search_fields = ("title", "slug", "text")
    prepopulated_fields = {"slug": ("title",)}  # noqa: RUF012
    readonly_fields = ("preview", "changed_by", "changed_at")
    fieldsets = (
        (None, {"fields": (("title", "language"), "slug", "text", ("order", "active"))}),
        (_("Preview"), {"fields": ("preview",)}),
        (_("Last change"), {"fields": (("changed_by", "changed_at"),)}),
    )
    save_on_top = True

    @admin.display(description=_("The language model is told"))
    def preview(self, template: PromptTemplate) -> SafeString | str:
        """As it was saved last: what is sent, how long it is, and where to try it."""
        if template._state.adding:
            return gettext("It is shown here once it is saved.")
        length = gettext("%(count)d characters, sent with every turn") % {
            "count": len(template.prompt())
        }
        told = format_html(
            '<div lang="{}">{}<p><em>{}</em></p></div><p>{}</p>',
            template.language,
            mark_safe(linebreaks(template.prompt(), autoescape=True)),
            gettext("Here follows what the person adds on the voice page."),
            length,
        )
        if not template.active:
            return told
        address = f"{reverse('talk')}?template={template.pk}"
        return told + format_html('<p><a href="{}">{}</a></p>', address, gettext("Talk with it"))

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, form=PromptTemplateRow, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: PromptTemplate, form: Any, change: bool
    ) -> None:
        obj.changed_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)
