"""One live session, whatever the wire: its settings and row, the driver, the outbox."""
