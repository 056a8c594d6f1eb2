import type { Column, Metric } from './types';

/** What of a query a metric takes; the rest of the editor's fields are hidden. */
export interface Takes {
  service: boolean;
  stream: boolean;
  host: boolean;
  gpu: boolean;
  step: boolean;
  timeZone: boolean;
  limits: boolean;
  live: boolean;
}

/** takes reads from the parameters of the metric's view what can be chosen for it. */
export function takes(metric: Metric): Takes {
  const has = (...names: string[]) => names.some((name) => metric.parameters.includes(name));
  return {
    service: has('service'),
    stream: has('model', 'log_type'),
    host: has('host'),
    gpu: has('uuid', 'gpu'),
    // All else is about the range as one.
    step: has('step_s') && Boolean(metric.time || metric.width),
    timeZone: has('time_zone'),
    limits: has('elapsed_s', 'ttft_s', 'tpot_s'),
    live: metric.kind === 'series' && has('step_s'),
  };
}

/** selectable are the columns that can be chosen: those that are neither labels nor axes, which are always there. */
export function selectable(metric: Metric): Column[] {
  return metric.columns.filter((c) => !c.group && c.name !== metric.x && c.name !== metric.y && c.name !== metric.time);
}

/** shownByDefault are the columns of a query that names none. */
export function shownByDefault(metric: Metric): Column[] {
  return selectable(metric).filter((c) => !c.optional);
}

/** shortTitle is a column's title without the metric's own, where it only repeats that: "p99" of "Time to first token p99". */
export function shortTitle(metric: Metric, column: Column): string {
  const repeated = `${metric.title} `;
  return column.title.startsWith(repeated) ? column.title.slice(repeated.length) : column.title;
}

/**
 * search finds the metrics that have every word of the text in their id, title, section, description or a column, in the
 * catalogue's order but for those whose id or title has all words, which come first in their section.
 */
export function search(metrics: Metric[], text: string): Metric[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    return metrics;
  }
  const has = (where: string) => words.every((word) => where.includes(word));
  const name = (m: Metric) => `${m.id} ${m.title}`.toLowerCase();
  const all = (m: Metric) =>
    `${name(m)} ${m.section} ${m.description} ${m.columns.map((c) => `${c.name} ${c.title}`).join(' ')}`.toLowerCase();
  const found = metrics.filter((m) => has(all(m)));
  return [...found.filter((m) => has(name(m))), ...found.filter((m) => !has(name(m)))];
}

const units: Record<string, string> = {
  none: '',
  short: '',
  s: 'seconds',
  percentunit: 'share (0 to 1)',
  reqps: 'requests/s',
  watt: 'watts',
  joule: 'joules',
  celsius: '°C',
  bytes: 'bytes',
  Bps: 'bytes/s',
  hertz: 'Hz',
};

/** unitOf names the unit that the numbers shown by default have, '' where they have none or several. */
export function unitOf(metric: Metric): string {
  const ids = new Set(shownByDefault(metric).map((c) => c.unit ?? ''));
  const [id] = ids;
  return ids.size === 1 && id ? (units[id] ?? id) : '';
}

const kinds: Record<Metric['kind'], string> = {
  series: 'time series',
  heatmap: 'heatmap',
  distribution: 'distribution over the range',
  table: 'table',
  stat: 'one row about the range',
  annotations: 'annotations',
};

/** kindOf says what the metric's answer looks like. */
export function kindOf(metric: Metric): string {
  return kinds[metric.kind] ?? metric.kind;
}
