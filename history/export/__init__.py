"""Kept conversations as files: JSON, transcripts, timings, and a ZIP with the audio."""
