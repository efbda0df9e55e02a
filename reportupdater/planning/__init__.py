"""What is due. Pure."""
