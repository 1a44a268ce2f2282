"""Figures over latencies: of one session, and of any selection of them."""
