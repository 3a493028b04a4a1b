"""Commands that erase people and texts, and that look for what is left of them."""
