from __future__ import annotations

from django.urls import path

from interaction import views

urlpatterns = [
    path("", views.talk, name="talk"),
    path("parts/", views.parts, name="parts"),
]
