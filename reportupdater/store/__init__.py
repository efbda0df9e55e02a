"""What is kept in the output folder: TSVs, and the state beside them."""
