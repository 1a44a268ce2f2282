"""What goes on in an installation now: sessions, queues, workers, providers, room, Redis."""
