"""The pages of settings: organization, projects, keys, sources, personal data."""
