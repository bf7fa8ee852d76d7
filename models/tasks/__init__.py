"""The data sets: how their rows become examples.

``registry`` lists the tasks, ``task`` says what one is, and ``example`` what its rows become.
``sets`` has one file a set. ``reading`` fetches rows from files or the hub, and ``shapes`` has what
sets of the same kind share.
"""
