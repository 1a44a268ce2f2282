from __future__ import annotations

from django.urls import path

from history import views

app_name = "history"
urlpatterns = [
    path("", views.session_list, name="list"),
    path("<uuid:pk>/", views.session_detail, name="detail"),
    path("<uuid:pk>/figures/", views.session_figures, name="figures"),
    path("<uuid:pk>/turns/<uuid:turn_pk>/annotation/", views.annotate, name="annotate"),
]
