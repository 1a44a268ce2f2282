from __future__ import annotations

from django.urls import path

from history import data_page, end_card, latency_page, marks_page, selection, sharing, views

app_name = "history"
urlpatterns = [
    path("", views.session_list, name="list"),
    path("selection/", selection.selection, name="selection"),
    path("data/", data_page.data, name="data"),
    path("batches/", data_page.batch_list, name="batches"),
    path("batches/<uuid:pk>/confirm/", selection.confirm, name="confirm"),
    path("batches/<uuid:pk>/drop/", selection.drop_batch, name="drop_batch"),
    path("share-links/<uuid:pk>/revoke/", data_page.revoke_link, name="revoke_link"),
    path("latency/", latency_page.latency, name="latency"),
    path("<uuid:pk>/", views.session_detail, name="detail"),
    path("<uuid:pk>/delete/", selection.delete, name="delete"),
    path("<uuid:pk>/recording/", data_page.recording, name="recording"),
    path("<uuid:pk>/share/", sharing.share, name="share"),
    path("<uuid:pk>/figures/", views.session_figures, name="figures"),
    path("<uuid:pk>/end-card/", end_card.end_card, name="end_card"),
    path("<uuid:pk>/turns/<uuid:turn_pk>/annotation/", views.annotate, name="annotate"),
    path("<uuid:pk>/edit/", marks_page.edit, name="edit"),
    path("<uuid:pk>/star/", marks_page.star, name="star"),
]
