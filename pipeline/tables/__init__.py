"""The tables as data: their schema, typed rows, and the Arrow columns of a chunk of messages."""
