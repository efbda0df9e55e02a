"""Running what is due, and making the results durable."""
