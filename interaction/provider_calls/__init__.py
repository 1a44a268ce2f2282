"""How often each provider was called, how often it failed, and how soon it gave its first result.

Stages and the realtime engine time a ``ProviderCall`` and count it when it ends, in Redis, a hash a
minute. What is over is folded into rows, one an hour, which outlive Redis.
"""
