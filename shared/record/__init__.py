"""What a run leaves behind: its record, its journal, and the files beside them."""
