package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"tidegauge/storage"
)

// Settings are what a data source is configured with: jsonData, and from secureJsonData the secrets.
type Settings struct {
	// Address, User and Database are as in storage.Config: clickhouse://host:9000, clickhouses://, http:// or https://.
	Address  string `json:"address"`
	User     string `json:"user"`
	Database string `json:"database"`
	// TLSSkipVerify believes any certificate.
	TLSSkipVerify bool `json:"tlsSkipVerify"`
	// DialTimeout and QueryTimeout are seconds.
	DialTimeout  float64 `json:"dialTimeout"`
	QueryTimeout float64 `json:"queryTimeout"`
	// MaxRows and MaxBytes bound an answer, MaxConcurrentQueries how many queries ClickHouse is asked at once.
	MaxRows              int64 `json:"maxRows"`
	MaxBytes             int64 `json:"maxBytes"`
	MaxConcurrentQueries int   `json:"maxConcurrentQueries"`

	password                string
	caCert, clientCert, key string
}

// The limits where none are set.
const (
	defaultAddress     = "clickhouse://127.0.0.1:9000"
	defaultDatabase    = "tidegauge"
	defaultDial        = 10
	defaultTimeout     = 30
	defaultRows        = 100_000
	defaultBytes       = 256 << 20
	defaultConcurrency = 8
)

// parseSettings reads a data source's configuration and reports everything that is wrong with it.
func parseSettings(from backend.DataSourceInstanceSettings) (Settings, error) {
	s := Settings{Address: defaultAddress, Database: defaultDatabase, DialTimeout: defaultDial, QueryTimeout: defaultTimeout,
		MaxRows: defaultRows, MaxBytes: defaultBytes, MaxConcurrentQueries: defaultConcurrency}
	if len(from.JSONData) > 0 {
		if err := json.Unmarshal(from.JSONData, &s); err != nil {
			return s, fmt.Errorf("the data source's settings (jsonData) cannot be read: %w", err)
		}
	}
	// An empty field of the form is one that was not filled in.
	for _, text := range []struct {
		value    *string
		standard string
	}{{&s.Address, defaultAddress}, {&s.Database, defaultDatabase}} {
		if *text.value == "" {
			*text.value = text.standard
		}
	}
	orDefault(&s.DialTimeout, defaultDial)
	orDefault(&s.QueryTimeout, defaultTimeout)
	orDefault(&s.MaxRows, defaultRows)
	orDefault(&s.MaxBytes, defaultBytes)
	orDefault(&s.MaxConcurrentQueries, defaultConcurrency)
	secrets := from.DecryptedSecureJSONData
	s.password, s.caCert, s.clientCert, s.key = secrets["password"], secrets["tlsCACert"], secrets["tlsClientCert"], secrets["tlsClientKey"]

	var wrong []error
	if s.DialTimeout < 0 || s.QueryTimeout < 0 || s.MaxRows < 0 || s.MaxBytes < 0 || s.MaxConcurrentQueries < 0 {
		wrong = append(wrong, errors.New("timeouts and limits of the data source must be above zero"))
	}
	return s, errors.Join(append(wrong, s.storage().Validate())...)
}

func orDefault[T int | int64 | float64](value *T, standard T) {
	if *value == 0 {
		*value = standard
	}
}

// storage is how ClickHouse is reached. One connection more than queries is for the health check.
func (s Settings) storage() storage.Config {
	c := storage.DefaultConfig()
	c.Address, c.User, c.Password, c.Database = s.Address, s.User, s.password, s.Database
	c.SkipVerify = s.TLSSkipVerify
	c.CA, c.Cert, c.Key = []byte(s.caCert), []byte(s.clientCert), []byte(s.key)
	c.MaxOpenConns = s.MaxConcurrentQueries + 1
	c.DialTimeout = seconds(s.DialTimeout)
	// A query may be silent for as long as it may run.
	c.ReadTimeout = seconds(s.QueryTimeout) + c.DialTimeout
	return c
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
