"""Tools that a language model may call, and what runs them."""
