"""Looking after the alerting from a shell: against AWS or the local cloud, by the usual AWS environment."""
