"""What ails a device: everything that the components stand on, looked at one by one."""
