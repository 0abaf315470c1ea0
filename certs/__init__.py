"""A small library for one job: an X.509 authority and the serving certificates that it issues.

It knows nothing of webhooks or of this product, and reads no clock: whoever calls says what time it
is, so that every expiry can be tested.
"""
