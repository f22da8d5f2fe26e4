"""What all implementations share: spec, data, initial parameters, agreement, measurement, reports."""

__version__ = "0.1.0"
