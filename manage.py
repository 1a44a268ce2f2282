#!/usr/bin/env python
"""Django's command line, with Parley's settings."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voiceproject.settings")
    try:
        from voiceproject.command_line import run
    except ModuleNotFoundError as error:
        sys.exit(f"{error}: run `make install`, then use .venv/bin/python.")

    run(sys.argv)
