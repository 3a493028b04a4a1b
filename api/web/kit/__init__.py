"""What all pages share: page context, API client, assets, forms, filters and errors."""
