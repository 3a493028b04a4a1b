"""The dashboard of a project or campaign: Home, and the first tab of either's page."""
