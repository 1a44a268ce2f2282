"""Words to search by, stars, tags, and indexes that hold all that filters and lists look at."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FTS5 = (
    # The tokenizer ``ascii`` splits at spaces, and takes all beyond ASCII for letters.
    """CREATE VIRTUAL TABLE history_words_index USING fts5(stream,
        content='history_sessionwords', content_rowid='id', tokenize='ascii', prefix='2 3')""",
    """CREATE TRIGGER history_words_added AFTER INSERT ON history_sessionwords BEGIN
        INSERT INTO history_words_index(rowid, stream) VALUES (new.id, new.stream);
    END""",
    """CREATE TRIGGER history_words_gone AFTER DELETE ON history_sessionwords BEGIN
        INSERT INTO history_words_index(history_words_index, rowid, stream)
            VALUES ('delete', old.id, old.stream);
    END""",
    """CREATE TRIGGER history_words_changed AFTER UPDATE ON history_sessionwords BEGIN
        INSERT INTO history_words_index(history_words_index, rowid, stream)
            VALUES ('delete', old.id, old.stream);
        INSERT INTO history_words_index(rowid, stream) VALUES (new.id, new.stream);
    END""",
)
POSTGRESQL = (
    # Uncompressed, since phrases are looked up in it.
    "ALTER TABLE history_sessionwords ALTER COLUMN stream SET STORAGE EXTERNAL",
    """ALTER TABLE history_sessionwords ADD COLUMN lexemes tsvector GENERATED ALWAYS AS
        (array_to_tsvector(array_remove(string_to_array(stream, ' '), ''))) STORED""",
    "CREATE INDEX history_words_index ON history_sessionwords USING gin (lexemes)",
    # As the lists are ordered: what has no such figure comes last.
    """CREATE INDEX summary_longest ON history_sessionsummary
        (owner_id, silent, duration_ms DESC NULLS LAST, created_at DESC, session_id)""",
    """CREATE INDEX summary_slowest ON history_sessionsummary
        (owner_id, silent, p95_ms DESC NULLS LAST, created_at DESC, session_id)""",
)
SQLITE = (
    """CREATE INDEX summary_longest ON history_sessionsummary
        (owner_id, silent, duration_ms DESC, created_at DESC, session_id)""",
    """CREATE INDEX summary_slowest ON history_sessionsummary
        (owner_id, silent, p95_ms DESC, created_at DESC, session_id)""",
    *FTS5,
)


def add_indexes(apps, schema_editor):
    on_postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in POSTGRESQL if on_postgresql else SQLITE:
        schema_editor.execute(statement, params=None)


def drop_indexes(apps, schema_editor):
    """Those that do not go with their tables."""
    if schema_editor.connection.vendor != "postgresql":
        schema_editor.execute("DROP TABLE history_words_index", params=None)
    schema_editor.execute("DROP INDEX summary_longest", params=None)
    schema_editor.execute("DROP INDEX summary_slowest", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0001_session_summary"),
        ("interaction", "0010_how_replies_end"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SessionWords",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "session",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="words",
                        to="interaction.session",
                    ),
                ),
                ("stream", models.TextField(verbose_name="words")),
            ],
            options={"verbose_name": "words", "verbose_name_plural": "words"},
        ),
        migrations.CreateModel(
            name="Star",
            fields=[
                (
                    "session",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="star",
                        serialize=False,
                        to="interaction.session",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={"verbose_name": "star", "verbose_name_plural": "stars"},
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40, verbose_name="name")),
                ("key", models.CharField(editable=False, max_length=80)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sessions",
                    models.ManyToManyField(
                        related_name="tags", to="interaction.session", verbose_name="sessions"
                    ),
                ),
            ],
            options={
                "verbose_name": "tag",
                "verbose_name_plural": "tags",
                "ordering": ("key",),
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "key"), name="one_tag_a_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="OfferedValue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("column", models.CharField(max_length=16)),
                ("value", models.CharField(max_length=200)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "offered value",
                "verbose_name_plural": "offered values",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner", "column", "value"), name="one_offer_a_value"
                    )
                ],
            },
        ),
        migrations.RemoveIndex(model_name="sessionsummary", name="summary_newest"),
        migrations.RemoveIndex(model_name="sessionsummary", name="summary_newest_spoken"),
        migrations.AddField(
            model_name="sessionsummary",
            name="duration_ms",
            field=models.BigIntegerField(null=True, verbose_name="duration, ms"),
        ),
        migrations.AddField(
            model_name="sessionsummary",
            name="language",
            field=models.CharField(blank=True, max_length=35, verbose_name="language"),
        ),
        migrations.AddField(
            model_name="sessionsummary",
            name="search_id",
            field=models.BigIntegerField(editable=False, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="sessionsummary",
            name="template",
            field=models.BigIntegerField(null=True, verbose_name="prompt template"),
        ),
        *(
            migrations.AlterField(
                model_name="sessionsummary",
                name=f"{stage}_model",
                field=models.CharField(blank=True, max_length=180),
            )
            for stage in ("stt", "llm", "tts", "realtime")
        ),
        migrations.AddIndex(
            model_name="sessionsummary",
            index=models.Index(
                fields=[
                    "owner",
                    "silent",
                    "-created_at",
                    "session",
                    "search_id",
                    "mode",
                    "status",
                    "language",
                    "template",
                    "interrupted_count",
                    "failed_count",
                    "p95_ms",
                    "stt",
                    "stt_model",
                    "llm",
                    "llm_model",
                    "tts",
                    "tts_model",
                    "realtime",
                    "realtime_model",
                ],
                name="summary_found_by",
            ),
        ),
        migrations.AddIndex(
            model_name="sessionsummary",
            index=models.Index(fields=["owner", "-created_at", "session"], name="summary_newest"),
        ),
        migrations.AddIndex(
            model_name="sessionsummary",
            index=models.Index(
                fields=["owner", "silent", "-turn_count", "-created_at", "session"],
                name="summary_most_turns",
            ),
        ),
        migrations.RunPython(add_indexes, drop_indexes),
    ]
