"""REST of kept sessions and turns."""
