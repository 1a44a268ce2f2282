"""Every address of the site."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
]
if find_spec("interaction.api.api"):
    from interaction.api.api import api

    urlpatterns.append(path("api/v1/", api.urls))
if find_spec("interaction.urls"):
    urlpatterns.append(path("", include("interaction.urls")))
if find_spec("history.urls"):
    urlpatterns.append(path("history/", include("history.urls")))
