"""Makes the dashboards of `grafana/dashboards/` from panels described as data."""
