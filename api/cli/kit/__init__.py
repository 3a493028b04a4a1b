"""What commands share: options, output, names of things, and the database."""
