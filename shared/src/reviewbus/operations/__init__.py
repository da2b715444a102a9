"""One command for many objects, as a person watches it: the rows of operations and their items, and what is told.

What a command is, who may give it, and what becomes of each object is the service's, as are the tables' names and
their further columns.
"""
