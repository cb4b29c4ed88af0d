"""The bus: the Greengrass nucleus behind a port."""
