"""The engine on Celery stages: speech to text, language model, text to speech."""
