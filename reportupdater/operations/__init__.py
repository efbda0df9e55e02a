"""One module a command: each takes a request and returns what was done, found or printed."""
