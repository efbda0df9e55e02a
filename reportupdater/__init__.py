"""A scheduled batch report runner: queries in, TSV files and Graphite series out."""

__version__ = "0.1.0"
