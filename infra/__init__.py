"""The cloud side, as a CDK app."""
