"""Is it the same computation? Error metrics, tolerances, observations to compare, finite differences."""
