"""What a project gives through a month of its life, held against what it gave before."""
