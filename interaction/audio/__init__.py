"""Voice activity detection, resampling and WAV files."""
