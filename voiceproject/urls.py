"""Every address of the site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from history.api.batches import router as batches
from history.api.latency import router as sessions
from history.api.letting_go import router as retention
from history.api.share_links import router as share_links
from history.sharing import shared, shared_audio, shared_session_audio, shared_waveform
from interaction.api.api import api
from interaction.api.openai import api as openai
from interaction.api.reference.views import page as reference
from voiceproject.health import router as health
from voiceproject.language import choose_language
from voiceproject.sign_in import SignIn
from voiceproject.status.api import router as status
from voiceproject.status.page import parts, status_page

api.add_router("interaction/sessions", sessions)
api.add_router("interaction/batches", batches)
api.add_router("interaction/share-links", share_links)
api.add_router("interaction/retention", retention)
api.add_router("/status", status)
api.add_router("/health", health)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("interaction.urls")),
    path("parts/", parts, name="parts"),
    path("status/", status_page, name="status"),
    path("history/", include("history.urls")),
    path("shared/<str:secret>/", shared, name="shared"),
    path("shared/<str:secret>/whole.<str:form>", shared_session_audio, name="shared_session_audio"),
    path("shared/<str:secret>/waveform", shared_waveform, name="shared_waveform"),
    path("shared/<str:secret>/<uuid:turn_id>/<str:side>.wav", shared_audio, name="shared_audio"),
    path("sign-in/", SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("language/", choose_language, name="language"),
    path("admin/", admin.site.urls),
    path("api/v1/docs", reference, name="reference"),
    path("api/v1/", api.urls),
    path("v1/", openai.urls),
]

handler400 = "voiceproject.error_answers.bad_request"
handler403 = "voiceproject.error_answers.forbidden"
handler404 = "voiceproject.error_answers.not_found"
handler500 = "voiceproject.error_answers.server_error"
