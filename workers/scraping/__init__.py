"""One scrape, from the job in its table to the result in the log."""
