"""Runs as something to look at: figures, tables, pages, and sinks for other viewers."""
