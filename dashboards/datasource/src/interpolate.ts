import type { ScopedVars } from '@grafana/data';
import type { TemplateSrv } from '@grafana/runtime';

import type { Limits, Query } from './types';

type Templates = Pick<TemplateSrv, 'replace'>;
type Variable = { name?: string; multi?: boolean; includeAll?: boolean } | undefined;

/** The fields that a variable with several values makes several queries of, and the label that tells these apart. */
const fields = [
  ['service', 'service'],
  ['model', 'model'],
  ['logType', 'log_type'],
  ['host', 'host'],
  ['gpu', 'gpu'],
] as const;

/** One query of those that a query with variables of several values stands for. */
export interface Expanded {
  query: Query;
  /** The values, by label, that tell this query from the others; empty where it is the only one. */
  labels: Record<string, string>;
}

/** expand fills in the variables of what a metric is asked of, a query for each combination of their values. */
export function expand(query: Query, scopedVars: ScopedVars | undefined, templates: Templates): Expanded[] {
  let expanded: Expanded[] = [{ query, labels: {} }];
  if (query.queryType === 'sql') {
    return expanded;
  }
  for (const [field, label] of fields) {
    const text = query[field];
    if (text === undefined) {
      continue;
    }
    const all = values(text, scopedVars, templates);
    expanded = expanded.flatMap((e) =>
      all.map((value) => ({
        query: { ...e.query, [field]: value },
        labels: all.length > 1 ? { ...e.labels, [label]: shown(value) } : e.labels,
      }))
    );
  }
  return expanded;
}

/** shown is a value as people read it: the log type '' has no other name. */
export function shown(value: string): string {
  return value === '' ? '(none)' : value;
}

/** values are the different texts that a text with variables stands for. */
function values(text: string, scopedVars: ScopedVars | undefined, templates: Templates): string[] {
  const several: Array<{ name: string; values: string[] }> = [];
  const plain = templates.replace(text, scopedVars, (value: unknown, variable: Variable) => {
    if (!Array.isArray(value)) {
      return String(value ?? '');
    }
    if (value.length > 1 && variable?.name) {
      several.push({ name: variable.name, values: value.map(String) });
    }
    return String(value[0] ?? '');
  });
  const [first] = several;
  if (!first) {
    return [plain];
  }
  const each = first.values.flatMap((value) =>
    values(text, { ...scopedVars, [first.name]: { text: value, value } }, templates)
  );
  return [...new Set(each)];
}

/** interpolate fills in all variables of a query. In SQL they become literals, as in Grafana's other SQL data sources. */
export function interpolate(query: Query, scopedVars: ScopedVars | undefined, templates: Templates): Query {
  const text = (value: string) => templates.replace(value, scopedVars);
  const filled: Query = { ...query };
  for (const field of ['metric', 'service', 'model', 'logType', 'host', 'gpu', 'step'] as const) {
    const value = query[field];
    if (value !== undefined) {
      filled[field] = text(value);
    }
  }
  if (query.columns) {
    filled.columns = query.columns.flatMap((column) => values(column, scopedVars, templates)).filter(Boolean);
  }
  if (query.timeZone !== undefined) {
    filled.timeZone = timeZone(text(query.timeZone));
  }
  if (query.limits) {
    filled.limits = limits(query.limits, text);
  }
  if (query.sql !== undefined) {
    filled.sql = templates.replace(query.sql, scopedVars, literal);
  }
  return filled;
}

/** timeZone gives the name that ClickHouse knows: Grafana's own words for UTC and the browser's zone are not among them. */
function timeZone(name: string): string {
  switch (name) {
    case '':
    case 'utc':
      return 'UTC';
    case 'browser':
      return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
    default:
      return name;
  }
}

function limits(of: Limits, text: (value: string) => string): Limits {
  const filled: Limits = {};
  for (const name of ['elapsed', 'ttft', 'tpot'] as const) {
    const limit = of[name];
    const n = typeof limit === 'string' ? Number(text(limit).trim() || Number.NaN) : limit;
    if (n !== undefined && Number.isFinite(n)) {
      filled[name] = n;
    }
  }
  return filled;
}

/**
 * literal is a variable's value in SQL: quoted where the variable can have several values (a list for IN), else with what
 * would end a quoted text escaped, for use between the user's own quotes.
 */
function literal(value: unknown, variable: Variable): string {
  const escaped = (v: unknown) => String(v).replace(/\\/g, '\\\\').replace(/'/g, "\\'");
  if (Array.isArray(value)) {
    return value.map((v) => `'${escaped(v)}'`).join(', ');
  }
  if (typeof value === 'string' && (variable?.multi || variable?.includeAll)) {
    return `'${escaped(value)}'`;
  }
  return typeof value === 'number' ? String(value) : escaped(value ?? '');
}
