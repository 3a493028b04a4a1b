"""`goatherd export`: the data of an organization as files."""
