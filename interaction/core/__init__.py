"""The conversation as a state machine. It knows no socket, Redis, Django or clock."""
