"""One file a verb of the command line: its options, and what it does with them; no logic of its own."""
