"""The schedule: the next scrapes of each creator and video."""
