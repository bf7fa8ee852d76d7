"""``python -m xcopa``, and ``accelerate launch -m xcopa train`` for several processes."""

from xcopa.main import main

main()
