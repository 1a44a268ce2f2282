"""Every address of the site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from history.api.latency import router as sessions
from interaction.api.api import api
from interaction.api.openai import api as openai
from voiceproject.health import router as health
from voiceproject.sign_in import SignIn
from voiceproject.status_page import parts

api.add_router("interaction/sessions", sessions)
api.add_router("/health", health)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("interaction.urls")),
    path("parts/", parts, name="parts"),
    path("history/", include("history.urls")),
    path("sign-in/", SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("v1/", openai.urls),
]

handler400 = "voiceproject.error_answers.bad_request"
handler403 = "voiceproject.error_answers.forbidden"
handler404 = "voiceproject.error_answers.not_found"
handler500 = "voiceproject.error_answers.server_error"
