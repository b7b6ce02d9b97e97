"""The real Prometheus and Alertmanager look at a real outage; then every question is asked.

`python -m tests.grafana.live` (`make observe`) does it with a whole five-minute outage and draws
the pictures of docs/pictures/; `test_live.py` is the short form.
"""
