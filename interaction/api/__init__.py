"""REST of what goes on: upload a recording, create a session, providers, templates."""
