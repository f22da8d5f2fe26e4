"""The verbs as functions: options are keyword arguments; results print themselves and have their figures."""
