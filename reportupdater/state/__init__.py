"""The state of an output folder: one SQLite file, and the locks beside it."""
