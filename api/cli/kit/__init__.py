"""The shared parts of commands: options, output, names of things, and the database."""
