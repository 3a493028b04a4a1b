"""Organizations: tenants with their plan, projects and API keys."""
