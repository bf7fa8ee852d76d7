"""The web page of the service: ``/``, and the files it is made of."""
