"""What runs a query: one module an engine."""
