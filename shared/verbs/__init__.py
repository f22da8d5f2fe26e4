"""One file per verb of the command line: its options, and the call they lead to; no logic."""
