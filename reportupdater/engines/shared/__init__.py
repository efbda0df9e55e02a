"""What several engines use: files with logins, processes, values as text, calls that can be cut."""
