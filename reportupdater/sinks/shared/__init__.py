"""What sinks share: from the rows of a table to series keys and datapoints."""
