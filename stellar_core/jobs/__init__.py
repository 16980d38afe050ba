"""Training runs as jobs: one folder each under ``runs/``, one worker at a time, the others in a queue.

The page and the command line both start the next job when they look at the queue; no permanent process is needed.
A job is a ``Job`` (`folder`) with a ``JobConfig`` (`spec`) and a ``Status`` (`status`).
"""
