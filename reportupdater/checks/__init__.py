"""What a result must pass before it is published. Pure."""
