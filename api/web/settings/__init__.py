"""The pages of settings: organization, projects, members, keys, sources."""
