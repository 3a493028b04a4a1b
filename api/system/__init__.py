"""Health, readiness and metrics of the installation."""
