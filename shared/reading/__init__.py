"""Other people's networks, read as they were written: loaded without their training, called with arrays of their shape.

`source` loads a file, `names` and `structure` say what its names and arrays are, `calls` and `loops` call it, and
`reading` takes the first way of calling it that works.
"""
