"""A whole conversation to hear: its time axis, its two sides as one recording, its waveforms."""
