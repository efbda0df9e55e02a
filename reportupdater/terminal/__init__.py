"""The log, the progress bar, tables and wording: what a person reads on a terminal."""
