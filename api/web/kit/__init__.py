"""The shared parts of pages: context, API client, assets, forms, filters and errors."""
