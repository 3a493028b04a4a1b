"""The ways into Goatherd: HTTP, pages and the command line."""
