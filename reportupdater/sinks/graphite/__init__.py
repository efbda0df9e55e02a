"""The sink for Graphite: a receiver of lines, and a render API by which series are read back."""
