"""Measure implementations, each in its own fresh process; the processes communicate only through files."""
