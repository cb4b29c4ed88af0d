"""What one machine needs instead of AWS: the nucleus, the cloud, the Greengrass API, an RTSP server."""
