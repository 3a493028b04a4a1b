"""What every number means: metrics, buckets, baselines, milestones and summaries."""
