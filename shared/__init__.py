"""What every implementation has in common: spec, data, initial parameters, agreement, measuring, reports."""

__version__ = "0.1.0"
