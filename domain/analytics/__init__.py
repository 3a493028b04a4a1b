"""What every number means: metrics, buckets of time, baselines and milestones."""
