from __future__ import annotations

from django.urls import path

from history import marks_page, views

app_name = "history"
urlpatterns = [
    path("", views.session_list, name="list"),
    path("<uuid:pk>/", views.session_detail, name="detail"),
    path("<uuid:pk>/edit/", marks_page.edit, name="edit"),
    path("<uuid:pk>/star/", marks_page.star, name="star"),
]
