"""Readers of what older versions stored."""
