"""What plays a part inside a test's own process, chosen by settings or handed over.

Servers that play a provider over its real wire protocol are in ``interaction/tests/standins``; the
people of the tests, and their voice, are fixtures of ``voiceproject/testing/people.py``.
"""
