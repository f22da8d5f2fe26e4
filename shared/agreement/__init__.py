"""Is it the same computation? Metrics, tolerances, observations, rounding bounds, lock-step, finite differences."""
