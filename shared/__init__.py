"""What every implementation has in common: spec, data, initial parameters, agreement, measuring, reports."""
