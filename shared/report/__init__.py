"""Show a run: tables rendered from its record alone, and the live display."""
