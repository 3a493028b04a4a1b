"""The dashboard of a project or campaign: Home, and the first tab of their pages."""
