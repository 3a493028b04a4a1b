"""Workers: they carry out requested scrapes and the policies, in the background."""
