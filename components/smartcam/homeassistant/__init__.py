"""Cameras and events for Home Assistant, over a broker of MQTT that the user names. Off unless deployed."""
