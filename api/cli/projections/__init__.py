"""Commands about projections: rebuilds, dry runs, and decisions on dead letters."""
