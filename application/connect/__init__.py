"""Connected accounts: links, consent at TikTok, and the tokens that come of it."""
