"""The HTTP kit: requests, responses, errors and limits, for any resource."""
