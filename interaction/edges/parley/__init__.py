"""Parley's own socket protocol, described in docs/protocol.md."""
