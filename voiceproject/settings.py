"""Django's settings, from ``voiceproject.environment`` alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import dj_database_url
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import SimpleLazyObject, lazy
from pydantic import ValidationError

from interaction.providers import registry
from interaction.providers.local._shared.model_files import keep_models_in
from voiceproject import environment, redis_server
from voiceproject.environment import BASE_DIR
from voiceproject.logs import only_crashes
from voiceproject.secret import credentials_key, secret_key

PARLEY_PROVIDERS = [*registry.SHIPPED]
"""Dotted paths of ``Provider`` declarations, in the order in which pages list them; ``package.*``
stands for every folder of a package that has one. By default all that Parley brings along: leave
some out, or add your own. Those that installed packages name in the entry point group
``parley.providers`` come after them. Read once, at the start."""
registry.configure(PARLEY_PROVIDERS, reserved_variables=environment.Environment.model_fields)
Environment = environment.with_variables(registry.current().variables())

try:
    ENV = Environment()
except ValidationError as error:
    # Names and reasons, never values: one of them may be a key.
    raise ImproperlyConfigured(
        "; ".join(
            f"{'.'.join(map(str, wrong['loc'])).upper()}: {wrong['msg']}"
            for wrong in error.errors(include_input=False, include_url=False)
        )
    ) from None
"""What the environment gave; provider settings are read from here."""

# A relative path means the same to every process, wherever it was started.
DATA_DIR = (BASE_DIR / ENV.parley_data_dir.expanduser()).resolve()
"""Made by what first writes into it: ``migrate``, or who needs a secret."""
keep_models_in((BASE_DIR / ENV.parley_models_dir.expanduser()).resolve())

DEBUG = ENV.debug
# Both secrets are lazy: a command that only reads makes neither them nor their folder.
SECRET_KEY = (
    ENV.secret_key.get_secret_value()
    if ENV.secret_key
    else lazy(lambda: secret_key(DATA_DIR), str)()
)


def _words(value: str) -> list[str]:
    return [word for part in value.split(",") if (word := part.strip())]


CREDENTIALS_KEYS: Sequence[str] = _words(
    ENV.parley_credentials_key.get_secret_value()
) or SimpleLazyObject(lambda: [credentials_key(DATA_DIR)])  # type: ignore[assignment]
"""Fernet keys (``interaction.encryption``), the one that encrypts first."""

ALLOWED_HOSTS = _words(ENV.allowed_hosts)
CSRF_TRUSTED_ORIGINS = _words(ENV.csrf_trusted_origins)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "ninja",
    "interaction",
    "history",
    "voiceproject",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "voiceproject.middleware.StaticFiles",
    "voiceproject.middleware.content_security_policy",
    "voiceproject.error_answers.ErrorAnswers",
    "voiceproject.middleware.no_nul_characters",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "voiceproject.middleware.times_are_the_viewers",
    "voiceproject.middleware.bodies_have_a_limit",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "voiceproject.middleware.PagesNeedSignIn",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "voiceproject.urls"
ASGI_APPLICATION = "voiceproject.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "voiceproject.language.address",
            ],
        },
    },
]

# Database.

_SQLITE = f"sqlite:///{quote(str(DATA_DIR / 'parley.sqlite3'))}"
DATABASES: dict[str, Any] = {"default": dj_database_url.parse(ENV.database_url or _SQLITE)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    _file = DATABASES["default"]["NAME"]
    DATABASES["default"] |= {
        # Opened, never made: that is for ``migrate`` alone, which asks for mode=rwc.
        "NAME": _file if _file == ":memory:" else f"file:{quote(str(BASE_DIR / _file))}?mode=rw",
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        # A file, not memory: live tests share it with worker processes.
        "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
    }
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis, Channels, Celery.

REDIS_URL = ENV.redis_url or redis_server.socket_url(DATA_DIR)

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    },
}

PARLEY_ENGINES = {
    "cascade": "interaction.cascade.engine.CascadeEngine",
    "realtime": "interaction.realtime.engine.RealtimeEngine",
}
"""What answers a conversation, by mode: a class that takes a ``SessionSpec``, and is an ``Engine``
(interaction/core/engine.py)."""

PARLEY_PUBLISHER = "interaction.bus.publisher.Publisher"
"""What hands stages to the task queue: a class as interaction/bus/publisher.py's ``TaskPublisher``
describes it. Tests have another that runs the archive without a worker."""

PARLEY_REST_RESOURCES = (
    "interaction.api.schemas.RESOURCES",
    "history.api.schemas.RESOURCES",
    "history.api.latency.RESOURCES",
    "voiceproject.status.document.RESOURCES",
)
"""Tables {name: model} of what REST answers with, for interaction/edges/json_schemas.py."""

STAGE_QUEUES = ("stt", "llm", "tts")
QUEUES = (*STAGE_QUEUES, "default")

CELERY_BROKER_URL = redis_server.broker_url(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "interaction.cascade.tasks.transcribe": {"queue": "stt"},
    "interaction.cascade.tasks.respond": {"queue": "llm"},
    "interaction.cascade.tasks.synthesize": {"queue": "tts"},
}
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = ENV.parley_worker_concurrency
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
# Beat keeps its clock in memory, so there is no schedule file: what repeats within minutes loses
# little by a restart, and what comes once a day comes by the clock on the wall.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "interaction.cascade.tasks.sweep",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "provider calls": {
        "task": "interaction.cascade.tasks.fold_provider_calls",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "history batches": {
        "task": "history.tasks.run_batches",
        "schedule": 3.0,
        "options": {"expires": 3},
    },
    "history tidy": {
        "task": "history.tasks.tidy",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "history prune": {
        "task": "history.tasks.prune",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "recordings' room": {
        "task": "history.tasks.measure_recordings",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "history orphans": {
        "task": "history.tasks.remove_orphans",
        "schedule": crontab(hour="3", minute="30"),
        "options": {"expires": 3600},
    },
    "silent sessions": {
        "task": "history.tasks.sweep_silent_sessions",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
}

# Files.

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = DATA_DIR / "media"
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if ENV.s3_bucket:
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": ENV.s3_bucket,
            "endpoint_url": ENV.s3_endpoint_url or None,
            "file_overwrite": True,
            "querystring_auth": True,
        },
    }
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# Uploads stay in memory: with recording off, no audio may reach a disk. The web server refuses
# longer bodies (voiceproject/web.py), so the memory is bounded.
MAX_BODY_BYTES = (ENV.parley_max_upload_mb + 1) * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# Signing in.

LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "talk"
LOGOUT_REDIRECT_URL = "sign_in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

# Security.

CSRF_FAILURE_VIEW = "voiceproject.error_answers.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENV.https
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if ENV.https:
    # HTTPS ends at a proxy, which must set this header itself.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 30 * 24 * 3600
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "media-src": "'self' blob:",
    # Widths of latency bars are style attributes; style sheets and scripts are files.
    "style-src": "'self'",
    "style-src-attr": "'unsafe-inline'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

# Language and time.

USE_I18N = True
USE_TZ = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hant", "繁體中文")]
LOCALE_PATHS = [BASE_DIR / "voiceproject" / "locale"]
TIME_ZONE = ENV.time_zone

# Logs.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "key_value": {"()": "voiceproject.logs.KeyValueFormatter", "exception_texts": DEBUG}
    },
    "filters": {
        "only_crashes": {"()": lambda: only_crashes},
        "lost_redis": {"()": "voiceproject.logs.LostRedis"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "key_value"}},
    "root": {"handlers": ["stderr"], "level": ENV.parley_log_level.upper()},
    "loggers": {
        # Django's own handlers would say everything twice, or mail it.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"filters": ["only_crashes"]},
        "channels_redis.pubsub": {"filters": ["lost_redis"]},
        # At INFO it logs the start and end of every task, which the stages do with their facts.
        "celery": {"level": "WARNING"},
        # Providers' calls are none of a log's business: below this they hold what was said.
        "anthropic": {"level": "WARNING"},
        "google_genai": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "openai": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "websockets": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
    },
}
