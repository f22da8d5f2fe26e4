"""Start, watch and end child processes, for every purpose."""
