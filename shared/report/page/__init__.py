"""The page of a run, one self-contained HTML file, and its figures; drawn from the record and nothing else."""
