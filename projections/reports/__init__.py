"""Reports: their list, their issues with frozen numbers, and how numbers are frozen."""
