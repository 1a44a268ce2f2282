from __future__ import annotations

from django.urls import path

from interaction.credentials import views

urlpatterns = [
    path("", views.page, name="keys"),
    path("keys/<slug:name>/", views.save_key, name="key"),
    path("keys/<slug:name>/delete/", views.delete_key, name="key_delete"),
    path("keys/<slug:name>/try/", views.try_key, name="key_try"),
    path("endpoints/", views.save_endpoint, name="endpoints"),
    path("endpoints/<int:pk>/", views.save_endpoint, name="endpoint"),
    path("endpoints/<int:pk>/delete/", views.delete_endpoint, name="endpoint_delete"),
    path("endpoints/<int:pk>/try/", views.try_endpoint, name="endpoint_try"),
]
