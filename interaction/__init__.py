"""Voice conversations: the core, its engines and providers, the sockets and REST."""
