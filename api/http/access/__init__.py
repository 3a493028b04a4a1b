"""Who may ask, how often, and from where: keys, sessions and limits."""
