"""YAML with positions, read against declared keys. Knows no key of ours."""
