"""A pretended TikTok on this machine: consent, tokens and the Display API, for trying.

It answers in the shapes of TikTok's documentation, also with its errors, and has
invented accounts only. It never sends a request to TikTok.
"""
