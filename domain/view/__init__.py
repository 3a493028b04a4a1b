"""Views: filters, an order and columns of a list, saved under a name."""
