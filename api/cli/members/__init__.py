"""`goatherd members`: the people of organizations, and links to choose passwords."""
