"""A client of Parley's protocol that speaks WAV files: ``manage.py talk``."""
