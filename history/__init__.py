"""Reads what was kept of conversations: REST, filters, pages, waterfall; and deletes it."""
