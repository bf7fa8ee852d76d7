"""The data sets, and how their rows become examples.

``registry`` lists the tasks, ``task`` defines a task, and ``example`` defines examples. ``sets``
has one file for each set. ``reading`` reads rows from files or the hub, and ``shapes`` has the
code that sets of the same kind share.
"""
