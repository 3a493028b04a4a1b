"""Charts: measures, periods and the drawings themselves."""
