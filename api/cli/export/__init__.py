"""`goatherd export`: what an organization has, as files."""
