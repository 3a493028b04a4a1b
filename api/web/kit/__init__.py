"""What all pages share: site, assets, forms, filters and errors."""
