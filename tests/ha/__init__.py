"""High availability, measured: three replicas of the real server behind one address, a real API
server in front, load throughout (``python -m tests.ha``)."""
