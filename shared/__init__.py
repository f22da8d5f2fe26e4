"""What all implementations share: spec, data, initial parameters, agreement, measurement, reports."""
