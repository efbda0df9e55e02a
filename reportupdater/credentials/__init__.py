"""Logins that lie in files."""
