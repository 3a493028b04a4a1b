"""HTTP of providers: requests limited in time, bytes and number, and why they fail."""
