"""Projections: tables that follow from the log, and the queries that read them.

``Creator``, ``Video``, ``Scrape``, ``Project`` and ``ApiKey`` exist twice on purpose.
The classes here are what clients read; those in ``domain`` are the state that decides
about commands.
"""
