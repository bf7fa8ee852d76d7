"""The command line. It may import every other package, and none of them imports it."""

from xcopa.first_process import heed_sigterm

# Before all other imports: those of a command take half a second and more.
heed_sigterm()
