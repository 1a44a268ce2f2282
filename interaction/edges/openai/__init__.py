"""OpenAI's Realtime protocol (GA), at ``/v1/realtime``."""
