"""What the web processes and the workers share: the line between them, and supervised work."""
