"""TSV files: reading, merging, replacing them as a whole, finding them in a folder."""
