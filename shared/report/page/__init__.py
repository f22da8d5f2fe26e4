"""The page of a run, a self-contained HTML file, and its figures, drawn from the record alone."""
