"""What a run writes: its record, its journal, and the files of the workers."""
