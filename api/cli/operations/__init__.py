"""Commands that carry out operations of the API, in this process or elsewhere."""
