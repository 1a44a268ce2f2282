"""A client of Parley's protocol that speaks WAV files, as ``manage.py talk`` uses it."""
