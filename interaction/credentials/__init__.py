"""People's keys and endpoints: stored encrypted, kept on a page, checked, and chosen from."""
