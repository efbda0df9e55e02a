"""The engine for scripts: programs on this host that print a table."""
