"""A project's configuration: YAML with positions in, a validated `Project` out."""
