"""What is kept of a live turn in Redis, until it is archived in the database and storage."""
