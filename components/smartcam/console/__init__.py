"""The local web page: see what the cameras see, look back, judge, and say what is to hold. Off unless deployed."""
