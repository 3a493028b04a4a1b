"""The channel for mail: its address, the text of a mail, and the way to the server."""
