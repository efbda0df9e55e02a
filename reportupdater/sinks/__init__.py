"""Where datapoints go."""
