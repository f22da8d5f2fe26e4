"""One file a way of writing the network. A new file here is a new implementation; nothing else lists it."""
