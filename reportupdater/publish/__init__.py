"""Pages and files for readers, rendered from values that are passed in. Knows no state and no sink."""
