"""Training runs as jobs: a folder each under ``runs/``, one worker at a time, the rest in a queue.

Whoever looks (a page, the command line) may start the next job; no process of ours has to stay. A job is a
``Job`` (`folder`), what it shall do is its ``JobConfig`` (`spec`), how far it is its ``Status`` (`status`).
"""
