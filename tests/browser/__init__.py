"""Tests that look at pages in a browser, which all of them share."""
