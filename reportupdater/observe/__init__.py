"""What a person sees of a run: log, progress, summary."""
