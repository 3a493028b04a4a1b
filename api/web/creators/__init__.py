"""The pages of many creators: the list, adding, and bulk actions."""
