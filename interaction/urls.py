from __future__ import annotations

from django.urls import include, path

from interaction import views

urlpatterns = [
    path("", views.talk, name="talk"),
    path("better-ears/", views.better_ears, name="better_ears"),
    path("settings/", include("interaction.credentials.urls")),
]
