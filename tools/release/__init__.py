"""From a build to devices: publish, deploy in stages, watch, roll back, and local deployments."""
