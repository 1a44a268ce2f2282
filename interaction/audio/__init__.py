"""Voice activity detection, resampling, and recordings in any format."""
