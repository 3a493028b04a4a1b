"""The page You: the person who is signed in, their password and their sessions."""
