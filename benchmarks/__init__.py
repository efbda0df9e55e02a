"""What the runner costs beside its queries, as ratios against bare loops: `make bench`."""
