"""A stand-in for the control plane of AWS IoT Greengrass V2: component versions, deployments, core devices."""
