from __future__ import annotations

from django.urls import path

from history import end_card, latency_page, views

app_name = "history"
urlpatterns = [
    path("", views.session_list, name="list"),
    path("latency/", latency_page.latency, name="latency"),
    path("<uuid:pk>/", views.session_detail, name="detail"),
    path("<uuid:pk>/figures/", end_card.session_figures, name="figures"),
]
