"""The lessons: percent-format files, one after the other; `make lessons` runs them."""
