"""One file per implementation of the network. A new file here is a new implementation; nothing else lists it."""
