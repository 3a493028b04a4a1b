"""The pages of many creators: list, add, and change in bulk."""
