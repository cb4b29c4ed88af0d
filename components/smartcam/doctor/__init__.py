"""What is wrong with a device: everything that the components rely on, checked one by one."""
