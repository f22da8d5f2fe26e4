"""Speed against peers and against the limit of the machine; never part of a timed test."""
