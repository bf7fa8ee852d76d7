"""The dashboards as code: ``python -m observability.dashboards`` writes Grafana's JSON."""
