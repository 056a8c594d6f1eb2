import { takes } from './catalogue';
import { ALL, type Metric, type Query } from './types';

/** The metric of a query that was not chosen yet: the first that anyone looks at. */
export const firstMetric = 'rate';

/** defaultQuery is what a new panel starts with. Its service is the dashboard's variable where there is one. */
export function defaultQuery(variables: string[]): Partial<Query> {
  return {
    queryType: 'metric',
    metric: firstMetric,
    service: variables.includes('service') ? '$service' : '',
    model: variables.includes('model') ? '$model' : ALL,
    logType: variables.includes('log_type') ? '$log_type' : ALL,
    step: 'auto',
  };
}

/** firstSQL is what SQL mode starts with: it shows how views are asked, of the service that was chosen. */
export function firstSQL(service: string | undefined): string {
  const variable = /^\$(\w+)$/.exec(service ?? '')?.[1];
  // The value may have quotes and backslashes of its own, and none of Grafana's ways to quote escapes both.
  const quoted = variable
    ? `decodeURLComponent('\${${variable}:percentencode}')`
    : `'${(service || 'demo').replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
  return `SELECT window_start AS time, rate, gap_cv
FROM arrivals(
  service = ${quoted}, model = NULL, log_type = NULL,
  from_us = $__fromUs, to_us = $__toUs, step_s = $__step)
ORDER BY time`;
}

/** withMetric chooses another metric: columns and limits of the range are the old one's, so they go; stream and step stay. */
export function withMetric(query: Query, metric: Metric): Query {
  const { columns: _, limits, live, service, allTime: __, maxRange: ___, ...rest } = query;
  const can = takes(metric);
  const next: Query = {
    ...rest,
    queryType: metric.kind === 'annotations' ? 'annotations' : 'metric',
    metric: metric.id,
  };
  if (service || can.service) {
    next.service = service ?? '';
  }
  if (limits && can.limits) {
    next.limits = limits;
  }
  if (live && can.live) {
    next.live = live;
  }
  return next;
}

/**
 * ready says whether a query can be run: one whose service is still empty waits for the choice. A query without the field is
 * one of a metric that needs none (or was written by hand: the backend then says what is missing).
 */
export function ready(query: Query): boolean {
  if (query.hide) {
    return false;
  }
  if (query.queryType === 'sql') {
    return Boolean(query.sql?.trim());
  }
  return Boolean(query.metric) && query.service !== '';
}
