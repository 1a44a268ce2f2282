"""Providers of STT, LLM, TTS and speech to speech: a folder a vendor, found by the registry."""
