"""Paid services: providers that ask a company which reads TikTok for its customers."""
