"""The formulas of summaries: key figures, rankings, outliers and habits of posting."""
