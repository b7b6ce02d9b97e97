"""The states of the upstream, one object each: open, slow start, steady, paused.

    cold start ──> slow start ──(responses grow)──> steady ──(goodput grows)──> slow start
                       │                              │
                       └────────(it stops answering)──┴──> open ──(3 canaries)──> slow start
    any ──(operator, TLS, DNS, credential)──> paused ──(resume)──> open

The gateway must find the server's capacity without being told, use nearly all of it, and never tip
the server over by itself (a metastable failure: Bronson et al., HotOS '21). The states decide;
``gateway.core.limiter`` keeps the slots and carries the decisions out.
"""
