"""Measure implementations: each in its own fresh process, known to the others through files alone."""
