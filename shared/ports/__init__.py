"""Two models of any framework beside each other: where they part, and why, by the numbers of their steps."""
