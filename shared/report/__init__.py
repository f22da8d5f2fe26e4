"""Show a run: tables rendered from the record of a run and nothing else, and the live display."""
