"""Organizations: tenants with their plan, projects, API keys and members."""
