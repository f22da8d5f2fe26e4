"""The verbs as functions: options are keyword arguments, what comes back prints itself and keeps its figures."""
