"""A turn of the person's for APIs that want one where nobody has said anything."""

PLACEHOLDER = "…"
"""Its text: neither empty nor blank, which is refused as well."""
