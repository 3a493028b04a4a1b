"""Commands that erase people and texts, and that search for remains of them."""
