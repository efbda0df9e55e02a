"""What speaks HTTP: access to a server, and a client that can be stopped."""
