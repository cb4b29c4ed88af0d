"""Where pictures come from. PyAV is imported here and nowhere else."""
