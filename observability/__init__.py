"""Rules, dashboards and provisioning for Prometheus and Grafana."""
