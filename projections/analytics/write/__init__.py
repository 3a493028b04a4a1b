"""The two writers of analytics: one follows the log, one computes all tables anew."""
