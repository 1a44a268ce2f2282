"""What is sent in the person's place where nobody has said anything, and an API wants them to."""

SILENCE = "…"
"""Neither empty nor blank, which is refused as well."""
