"""The pages on which creators connect their account; nobody signs in for them."""
