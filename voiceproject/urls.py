"""Every address of the site."""

from __future__ import annotations

import contextlib

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path
from ninja import NinjaAPI

from voiceproject.health import router as health
from voiceproject.sign_in import SignIn

try:
    from interaction.api.api import api
except ImportError:
    api = NinjaAPI()
api.add_router("/health", health)

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("sign-in/", SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("api/v1/", api.urls),
]
with contextlib.suppress(ImportError):
    urlpatterns.append(path("", include("interaction.urls")))
with contextlib.suppress(ImportError):
    urlpatterns.append(path("history/", include("history.urls")))
