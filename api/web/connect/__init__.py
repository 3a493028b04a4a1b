"""The pages on which creators connect their accounts; nobody signs in for them."""
