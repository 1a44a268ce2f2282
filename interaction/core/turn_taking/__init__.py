"""Turn detection: a file for each kind, with its settings and the strategies they make."""
