"""Bodies of requests: JSON, forms and files, limited and read strictly."""
