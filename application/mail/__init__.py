"""Mail: HTML with its plain twin, which waits until a mail server has taken it."""
