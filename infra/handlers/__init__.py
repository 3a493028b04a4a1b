"""The application layer: a function a command, which executes the domain's handler."""
