package broker

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	logBytes *prometheus.GaugeVec
	deleted  *prometheus.CounterVec
	failures prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		logBytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidegauge_broker_log_bytes",
			Help: "Bytes in the embedded broker's log, by topic and partition.",
		}, []string{"topic", "partition"}),
		deleted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidegauge_broker_deleted_records_total",
			Help: "Records deleted by retention, all of them committed by every consumer group.",
		}, []string{"topic"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidegauge_broker_retention_failures_total",
			Help: "Retention rounds that ended in an error.",
		}),
	}
	if registerer == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.logBytes, m.deleted, m.failures} {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
