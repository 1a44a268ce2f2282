"""The engine of realtime mode: one connection to a speech-to-speech provider a session."""
