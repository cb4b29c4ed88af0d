"""What the Azure IoT Edge module runs against on one machine: an edge hub and the workload API."""
