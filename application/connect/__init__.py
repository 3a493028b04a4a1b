"""Connected accounts: links, consents at TikTok, and the tokens of consents."""
