from __future__ import annotations

from django.urls import path

from history import views

app_name = "history"
urlpatterns = [
    path("", views.session_list, name="list"),
    path("<uuid:pk>/", views.session_detail, name="detail"),
]
