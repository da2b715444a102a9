"""The judge: reads the history of a run from its files and says which rules were broken.

It imports nothing of the services nor of what drove them: only the standard library. What it knows of the system is
what the system promises, in words of its own.

    python -m faults.judge var/faults/<run>/history
"""
