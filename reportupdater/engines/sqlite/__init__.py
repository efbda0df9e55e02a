"""The engine for SQLite files."""
