"""The sink for Prometheus and what takes its remote write: VictoriaMetrics, Mimir, Thanos Receive."""
