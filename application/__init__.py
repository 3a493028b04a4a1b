"""Application: use cases with I/O that HTTP, the command line and workers share."""
