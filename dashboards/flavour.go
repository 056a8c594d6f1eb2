package dashboards

// Flavour is one of the data sources that dashboards and rules are made for.
type Flavour struct {
	// Name is the folder of its files.
	Name string
	// Type and UID are the data source's.
	Type, UID string
	// Prefix begins the uids of its dashboards and rules.
	Prefix string
	// Folder is where Grafana lists them.
	Folder string
}

// The flavours.
var (
	// Plugin is Tidegauge's own data source. It is unsigned, so Grafana has to be told to load it.
	Plugin = Flavour{Name: "plugin", Type: "tidegauge-serving-datasource", UID: "tidegauge", Prefix: "tidegauge-", Folder: "Tidegauge"}
	// ClickHouse is the official ClickHouse data source, for places where unsigned plugins are not allowed.
	ClickHouse = Flavour{Name: "clickhouse", Type: "grafana-clickhouse-datasource", UID: "tidegauge-clickhouse", Prefix: "tidegauge-sql-",
		Folder: "Tidegauge (SQL)"}
	// Prometheus is for dashboards over what tidegauge says of itself on /metrics. Its data source is a variable.
	Prometheus = Flavour{Name: "prometheus", Type: "prometheus", UID: "${prometheus}", Prefix: "tidegauge-", Folder: "Tidegauge"}
)

// Flavours are those that every dashboard and rule is made for.
func Flavours() []Flavour { return []Flavour{Plugin, ClickHouse} }
