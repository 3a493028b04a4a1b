"""Mail: plain texts that wait in a table until a mail server has taken them."""
