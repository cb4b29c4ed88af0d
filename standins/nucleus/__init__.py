"""A stand-in for the Greengrass nucleus: the IPC server, the recipe runner and the way to IoT Core."""
