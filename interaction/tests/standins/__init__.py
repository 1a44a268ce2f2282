"""Servers that play a provider, over its real wire protocol, with scripted delays and faults."""
