"""Reports: what is sent each week or month about a programme, and its frozen issues."""
