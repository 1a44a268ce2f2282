from __future__ import annotations

from django.urls import path

from history import end_card, views

app_name = "history"
urlpatterns = [
    path("", views.session_list, name="list"),
    path("<uuid:pk>/", views.session_detail, name="detail"),
    path("<uuid:pk>/figures/", end_card.session_figures, name="figures"),
]
