"""Tools: functions and servers that a model may call."""
