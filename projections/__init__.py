"""Projections: tables that follow from the log, and the queries that read them.

``Creator``, ``Video``, ``Scrape``, ``Project`` and ``ApiKey`` are here what clients
read; those of the same name in ``domain`` are what commands are decided by.
"""
