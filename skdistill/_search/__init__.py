"""The steps of a search over candidates."""
