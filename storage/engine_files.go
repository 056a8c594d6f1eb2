package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"
)

// What StartEngine keeps in the data folder beside ClickHouse's own data.
const (
	engineDataFolder  = "data"           // ClickHouse's path
	engineLogFile     = "engine.log"     // ClickHouse's log, rotated
	engineErrorFile   = "engine.err.log" // its warnings and errors alone, rotated
	engineOutputFile  = "engine.out"     // what the child wrote to standard output and error, of the last start only
	engineLockFile    = "engine.lock"    // locked while an engine runs; holds its process id
	engineReadyFile   = "engine.ready"   // the ports, written once the listeners are up
	engineConfigFile  = "config.xml"     // rewritten at each start
	engineUsersFile   = "users.xml"      // rewritten at each start
	internalUser      = "default"        // clickhouse-local's own session is always this user's, without a password
	defaultMemoryCap  = 16 << 30         // more than this helps nothing that an embedded engine is for
	fallbackMemory    = 4 << 30          // where the machine's memory cannot be told
	engineLogBytes    = "20M"            // times engineLogCount, for each of the two logs: 120 MB at most
	engineLogCount    = 3
	engineMinimumPool = 2
	// engineMemoryPerThread is the free memory for which the engine takes a thread more for a query, up to the cores.
	engineMemoryPerThread = 128 << 20
	// engineFreeSpace is what the engine leaves free on its disk: with less it refuses inserts and merges. It must never
	// meet a full disk, because the library ignores errors of writing files: what it could not write it acknowledges
	// all the same, and loses (chdb-core, src/IO/WriteBufferFromFileDescriptor.cpp: the exception is commented out).
	// Large enough for what is being written when the limit is met, and for another program's moment.
	engineFreeSpace   = 256 << 20
	engineMaximumPool = 8
)

// The table engines that clients of the engine may create: those that keep what they are given. The others read or
// write files, other servers or programs, with the rights of whoever started Tidegauge; anyone who can reach the port
// could read that person's files through them. For the same reason the client's grants leave out the sources (FILE,
// URL, S3, …). A ClickHouse server of one's own has whatever its administrator grants.
var engineTableEngines = []string{
	"MergeTree", "ReplacingMergeTree", "AggregatingMergeTree", "SummingMergeTree", "CollapsingMergeTree",
	"VersionedCollapsingMergeTree", "CoalescingMergeTree", "Memory", "Null", "Log", "TinyLog", "StripeLog", "Set", "Join",
	"Buffer", "Merge", "View", "MaterializedView", "Dictionary", "Distributed", "GenerateRandom",
}

var engineConfigTemplate = template.Must(template.New("config").Funcs(template.FuncMap{"xml": escapeXML}).Parse(
	`<!-- Written by tidegauge at each start of the engine: changes here are lost. -->
<clickhouse>
    <path>{{xml .Data}}/</path>
    <listen_host>{{xml .Host}}</listen_host>
    <tcp_port>{{.NativePort}}</tcp_port>
    <http_port>{{.HTTPPort}}</http_port>
    <users_config>{{xml .Users}}</users_config>
    <macros><tidegauge_engine>{{xml .Token}}</tidegauge_engine></macros>
    <timezone>UTC</timezone>
    <history_file>/dev/null</history_file>
    <logger>
        <console>false</console>
        <log>{{xml .Log}}</log>
        <errorlog>{{xml .ErrorLog}}</errorlog>
        <size>{{.LogBytes}}</size>
        <count>{{.LogCount}}</count>
    </logger>
    <storage_configuration>
        <disks><default><keep_free_space_bytes>{{.FreeSpace}}</keep_free_space_bytes></default></disks>
    </storage_configuration>
    <access_control_improvements>
        <table_engines_require_grant>true</table_engines_require_grant>
    </access_control_improvements>
    <max_server_memory_usage>{{.Memory}}</max_server_memory_usage>
    <!-- ClickHouse's defaults are for a machine of its own: 5 GiB of marks alone. -->
    <mark_cache_size>{{.MarkCache}}</mark_cache_size>
    <uncompressed_cache_size>0</uncompressed_cache_size>
    <background_pool_size>{{.Pool}}</background_pool_size>
    <merge_tree>
        <!-- These must stay below the pool's slots, twice its threads, or merges of large parts never start. -->
        <number_of_free_entries_in_pool_to_execute_mutation>{{.Pool}}</number_of_free_entries_in_pool_to_execute_mutation>
        <number_of_free_entries_in_pool_to_lower_max_size_of_merge>{{.Pool}}</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
        <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>{{.Pool}}</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
        <fsync_after_insert>{{.Fsync}}</fsync_after_insert>
        <fsync_part_directory>{{.Fsync}}</fsync_part_directory>
    </merge_tree>{{if .SystemLogs}}
    <query_log><database>system</database><table>query_log</table><ttl>event_date + INTERVAL 3 DAY DELETE</ttl></query_log>
    <part_log><database>system</database><table>part_log</table><ttl>event_date + INTERVAL 3 DAY DELETE</ttl></part_log>{{end}}
</clickhouse>
`))

var engineUsersTemplate = template.Must(template.New("users").Funcs(template.FuncMap{"xml": escapeXML}).Parse(
	`<!-- Written by tidegauge at each start of the engine: changes here are lost. -->
<clickhouse>
    <profiles><default>
        <log_queries>{{if .SystemLogs}}1{{else}}0{{end}}</log_queries>
        <!-- ClickHouse's own is 1 GiB, by which an engine of 2 GiB runs every query on one thread, however many cores there are. -->
        <max_threads_min_free_memory_per_thread>{{.MemoryPerThread}}</max_threads_min_free_memory_per_thread>
        <!-- Rows of minutes are few and hold much: by ClickHouse's own measure a month of them is read on one core. -->
        <merge_tree_min_rows_for_concurrent_read>16384</merge_tree_min_rows_for_concurrent_read>
        <merge_tree_min_bytes_for_concurrent_read>25165824</merge_tree_min_bytes_for_concurrent_read>
    </default></profiles>
    <quotas><default/></quotas>
    <users>
        {{if .User}}<{{.User}}>
            <password_sha256_hex>{{.PasswordHash}}</password_sha256_hex>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <grants>{{range .Grants}}
                <query>{{.}}</query>{{end}}
            </grants>
        </{{.User}}>
        <!-- The engine's own session. It may open the listeners, and nothing else. -->
        <default>
            <password></password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants>
        </default>{{else}}<default>
            <password></password>
            <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <grants>{{range .Grants}}
                <query>{{.}}</query>{{end}}
            </grants>
        </default>{{end}}
    </users>
</clickhouse>
`))

// engineFiles are the paths of one data folder.
type engineFiles struct{ folder string }

func (f engineFiles) path(name string) string { return filepath.Join(f.folder, name) }

// write renders ClickHouse's configuration. Both files are for their owner alone.
func (f engineFiles) write(c EngineConfig, token string) error {
	pool := min(max(runtime.NumCPU(), engineMinimumPool), engineMaximumPool)
	memory := engineMemory(c.MemoryLimit, machineMemory())
	grants := []string{"GRANT SHOW, SELECT, INSERT, ALTER, CREATE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, CHECK, KILL QUERY, " +
		"MOVE PARTITION BETWEEN SHARDS, SYSTEM, dictGet, INTROSPECTION, CLUSTER ON *.*", "GRANT SET DEFINER ON *", "GRANT ALLOW SQL SECURITY NONE ON *.*"}
	for _, engine := range engineTableEngines {
		grants = append(grants, "GRANT TABLE ENGINE ON "+engine)
	}
	grants = append(grants, c.Grants...)
	hash := sha256.Sum256([]byte(c.Password))
	user := c.User
	if user == internalUser {
		user = ""
	}
	for _, file := range []struct {
		name     string
		template *template.Template
		values   any
	}{
		{engineConfigFile, engineConfigTemplate, map[string]any{
			"Data": f.path(engineDataFolder), "Host": c.Host, "NativePort": c.NativePort, "HTTPPort": c.HTTPPort,
			"Users": f.path(engineUsersFile), "Token": token, "Log": f.path(engineLogFile), "ErrorLog": f.path(engineErrorFile),
			"LogBytes": engineLogBytes, "LogCount": engineLogCount, "Memory": memory, "MarkCache": memory / 10, "FreeSpace": engineFreeSpace, "Pool": pool,
			"SystemLogs": c.SystemLogs, "Fsync": c.FsyncInserts,
		}},
		{engineUsersFile, engineUsersTemplate, map[string]any{
			"User": user, "PasswordHash": hex.EncodeToString(hash[:]), "Grants": grants, "SystemLogs": c.SystemLogs,
			"MemoryPerThread": engineMemoryPerThread,
		}},
	} {
		var text strings.Builder
		if err := file.template.Execute(&text, file.values); err != nil {
			return fmt.Errorf("rendering the engine's %s: %w", file.name, err)
		}
		if err := os.WriteFile(f.path(file.name), []byte(text.String()), 0o600); err != nil {
			return fmt.Errorf("writing the engine's configuration: %w", err)
		}
	}
	return nil
}

// engineMemory is the bound on the engine's memory: what was asked for, else 60 % of the machine's, capped, so that
// the rest of the pipeline and the page cache, which ClickHouse lives on, have the other 40 %.
func engineMemory(asked, machine int64) int64 {
	switch {
	case asked > 0:
		return asked
	case machine == 0:
		return fallbackMemory
	}
	return min(machine/10*6, defaultMemoryCap)
}

func escapeXML(text string) (string, error) {
	var escaped strings.Builder
	err := xml.EscapeText(&escaped, []byte(text))
	return escaped.String(), err
}

// quoteString is a ClickHouse string literal.
func quoteString(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// quoteName is a ClickHouse identifier, quoted.
func quoteName(name string) string { return "`" + nameQuoter.Replace(name) + "`" }

// nameQuoter is made once, as making it takes two kilobytes.
var nameQuoter = strings.NewReplacer(`\`, `\\`, "`", "\\`")
