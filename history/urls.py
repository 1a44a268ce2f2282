from __future__ import annotations

from django.urls import path

from history import views

app_name = "history"
urlpatterns = [
    path("", views.SessionList.as_view(), name="list"),
    path("<uuid:pk>/", views.SessionDetail.as_view(), name="detail"),
]
