"""Projections: tables that follow from the log, and the queries that read them.

``Creator``, ``Video``, ``Scrape``, ``Project`` and ``ApiKey`` exist twice on purpose.
Here they are what clients read; in ``domain`` they are the state that commands are
decided on.
"""
