"""Engines that run on this machine, one folder each."""
