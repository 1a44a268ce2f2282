"""The page on which people keep their keys and endpoints, and try them."""
