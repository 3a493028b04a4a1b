"""People: their names and addresses, and the rules of the passwords they choose."""
