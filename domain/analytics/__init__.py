"""The meaning of every number: metrics, buckets, baselines, milestones, summaries."""
