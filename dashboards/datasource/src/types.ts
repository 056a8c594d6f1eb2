import type { DataQuery } from '@grafana/schema';
import type { DataSourceJsonData } from '@grafana/data';

/** All values of a model, a log type, a host or a GPU. The log type '' is one of its own. */
export const ALL = '*';

/** Latency limits of goodput, in seconds; one that is absent does not limit. Numbers, or template variables until they are filled in. */
export interface Limits {
  elapsed?: number | string;
  ttft?: number | string;
  tpot?: number | string;
}

export type QueryType = 'metric' | 'sql' | 'annotations' | 'variable';
export type Format = 'table' | 'time_series';

/** A panel's query: a choice of metric and stream, or SQL. Any text may hold template variables. */
export interface Query extends DataQuery {
  queryType?: QueryType;
  /** The catalogue's id of the metric. */
  metric?: string;
  /** Names of the metric's columns; none: those shown by default. */
  columns?: string[];
  service?: string;
  model?: string;
  logType?: string;
  host?: string;
  gpu?: string;
  /** Width of the windows in seconds, a multiple of 60; 'auto': by the panel's width; '0': the whole range as one. */
  step?: string;
  timeZone?: string;
  limits?: Limits;
  /** All that is stored, whatever the range; and how much of a long range, in seconds from its end, a costly query asks about. */
  allTime?: boolean;
  maxRange?: number;
  sql?: string;
  format?: Format;
  /** Follow the last minutes as they come, without refreshing the panel. */
  live?: boolean;
}

export type VariableName = 'services' | 'models' | 'log_types' | 'hosts' | 'gpus';

/** What a template variable lists. */
export interface VariableQuery extends DataQuery {
  queryType?: 'variable';
  variable?: VariableName;
  /** The service whose models or log types are listed. */
  service?: string;
  /** The host whose GPUs are listed. */
  host?: string;
}

/** A value that the backend's resource `variables` offers. */
export interface Choice {
  text: string;
  value: string;
}

/** The data source's settings, kept in the open; see the backend's Settings. */
export interface Settings extends DataSourceJsonData {
  address?: string;
  user?: string;
  database?: string;
  tlsSkipVerify?: boolean;
  dialTimeout?: number;
  queryTimeout?: number;
  maxRows?: number;
  maxBytes?: number;
  maxConcurrentQueries?: number;
}

/** The settings that Grafana encrypts and never gives back to a browser. */
export interface Secrets {
  password?: string;
  tlsCACert?: string;
  tlsClientCert?: string;
  tlsClientKey?: string;
}

/** What a metric's answer looks like. */
export type Kind = 'series' | 'heatmap' | 'distribution' | 'table' | 'stat' | 'annotations';

/** A column of a metric, as the backend's catalogue describes it. */
export interface Column {
  name: string;
  title: string;
  unit?: string;
  description?: string;
  /** The level of a quantile, 1 for a maximum, absent for all else. */
  quantile?: number;
  /** Names what a row is about: always in the answer, as a label. */
  group?: boolean;
  /** Shown only where it is asked for. */
  optional?: boolean;
}

/** A metric of the backend's catalogue. */
export interface Metric {
  id: string;
  section: string;
  title: string;
  description: string;
  kind: Kind;
  view: string;
  parameters: string[];
  time?: string;
  columns: Column[];
  x?: string;
  y?: string;
  width?: number;
  computed?: boolean;
}
