"""PersonAccounts: people register, sign in with a password, and their sessions end."""
