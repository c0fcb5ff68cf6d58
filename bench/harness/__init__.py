"""What bench/run.py is made of: processes on their cores, the peers, one module of measurements, the table."""
