"""Capture and inference as one module of Azure IoT Edge."""
