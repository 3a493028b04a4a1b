"""The pages for people, which read and change everything through the API."""
