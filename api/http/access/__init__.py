"""Access to the API: keys, sessions, and limits by key and by address."""
