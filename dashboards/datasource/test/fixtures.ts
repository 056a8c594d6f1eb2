import { createTheme, type DataSourceInstanceSettings, dateTime, type TimeRange } from '@grafana/data';
import { type BackendSrv, config, setBackendSrv, type TemplateSrv } from '@grafana/runtime';
import { defer, from } from 'rxjs';

import { DataSource } from '../src/datasource';
import plugin from '../src/plugin.json';
import type { Metric, Settings } from '../src/types';

/** A catalogue of each kind of thing that the editors tell apart; the real one is the backend's. */
export const metrics: Metric[] = [
  {
    id: 'rate',
    section: 'Arrivals',
    title: 'Request rate',
    description: 'Requests a second, by arrival.',
    kind: 'series',
    view: 'arrivals',
    parameters: ['service', 'model', 'log_type', 'from_us', 'to_us', 'step_s'],
    time: 'window_start',
    columns: [{ name: 'rate', title: 'Request rate', unit: 'reqps' }],
  },
  {
    id: 'ttft',
    section: 'Latency',
    title: 'Time to first token',
    description: 'From arrival to the first token: queueing and prefill.',
    kind: 'series',
    view: 'latency',
    parameters: ['service', 'model', 'log_type', 'from_us', 'to_us', 'step_s'],
    time: 'window_start',
    columns: [
      { name: 'ttft_p50', title: 'Time to first token p50', unit: 's', quantile: 0.5 },
      { name: 'ttft_p99', title: 'Time to first token p99', unit: 's', quantile: 0.99 },
      { name: 'ttft_n', title: 'Known', unit: 'short', optional: true },
    ],
  },
  {
    id: 'goodput',
    section: 'Latency',
    title: 'Goodput',
    description: 'Share of requests within the limits given.',
    kind: 'series',
    view: 'goodput',
    parameters: ['service', 'model', 'log_type', 'from_us', 'to_us', 'step_s', 'elapsed_s', 'ttft_s', 'tpot_s'],
    time: 'window_start',
    columns: [{ name: 'goodput', title: 'Within limits', unit: 'percentunit' }],
  },
  {
    id: 'by_hour',
    section: 'Time',
    title: 'By hour of day',
    description: 'What each hour of day has seen over the range.',
    kind: 'distribution',
    view: 'by_hour',
    parameters: ['service', 'model', 'log_type', 'from_us', 'to_us', 'time_zone'],
    x: 'hour',
    columns: [
      { name: 'hour', title: 'Hour', unit: 'none' },
      { name: 'requests', title: 'Requests', unit: 'short' },
    ],
  },
  {
    id: 'gpu_utilisation',
    section: 'GPU',
    title: 'Utilisation',
    description: 'Share of time in which a kernel ran.',
    kind: 'series',
    view: 'gpu',
    parameters: ['host', 'uuid', 'from_us', 'to_us', 'step_s'],
    time: 'window_start',
    columns: [
      { name: 'host', title: 'Host', group: true },
      { name: 'utilisation_mean', title: 'Mean', unit: 'percentunit' },
    ],
  },
  {
    id: 'late_data',
    section: 'Alerts',
    title: 'Late data',
    description: 'Minutes that were stored late.',
    kind: 'annotations',
    view: 'late_data',
    parameters: ['service', 'from_us', 'to_us'],
    time: 'minute',
    columns: [],
  },
];

/** find gives a metric of the fixture. */
export function find(id: string): Metric {
  const metric = metrics.find((m) => m.id === id);
  if (!metric) {
    throw new Error(`the fixture has no metric ${id}`);
  }
  return metric;
}

type Values = Record<string, string | string[]>;
type Format = (value: string | string[], variable: { name: string; multi: boolean }) => string;

/** templates replaces $name and ${name} as Grafana's own service does, scoped variables first. */
export function templates(values: Values = {}): TemplateSrv {
  return {
    replace: (text = '', scoped: Record<string, { value: string | string[] }> = {}, format?: Format) =>
      text.replace(/\$(?:(\w+)|\{(\w+)\})/g, (whole: string, plain?: string, braced?: string) => {
        const name = plain ?? braced ?? '';
        const value = scoped[name]?.value ?? values[name];
        if (value === undefined) {
          return whole;
        }
        if (format) {
          return format(value, { name, multi: Array.isArray(values[name]) });
        }
        return Array.isArray(value) ? `{${value.join(',')}}` : value;
      }),
    getVariables: () => Object.keys(values).map((name) => ({ name, type: 'query' })),
    containsTemplate: (text = '') => text.includes('$'),
    updateTimeRange: () => undefined,
  } as unknown as TemplateSrv;
}

/** What is asked of the backend, and what it answers. */
export interface Asked {
  url: string;
  params?: Record<string, unknown>;
  data?: { queries: Array<Record<string, unknown>> };
}
export type Answer = (request: Asked) => unknown;

/** backend lets a test answer what the plugin asks over HTTP; it records what that was. */
export function backend(answer: Answer): Asked[] {
  const asked: Asked[] = [];
  config.theme2 = createTheme();
  setBackendSrv({
    fetch: (request: Asked) =>
      defer(() => {
        asked.push(request);
        return from(Promise.resolve().then(() => ({ data: answer(request), status: 200, ok: true })));
      }),
  } as unknown as BackendSrv);
  return asked;
}

/** resources answers as a backend with three services does. */
export const resources: Answer = ({ url, params }) => {
  if (url.endsWith('/metrics')) {
    return { sections: [], metrics };
  }
  const names: Record<string, string[]> = {
    services: ['chat', 'search'],
    models: ['small-8b'],
    log_types: ['', 'api'],
  };
  return (names[String(params?.name)] ?? []).map((value) => ({ text: value || '(none)', value }));
};

export function datasource(values: Values = {}): DataSource {
  const settings = { id: 1, uid: 'tidegauge', type: plugin.id, name: 'Tidegauge', jsonData: {}, meta: plugin };
  return new DataSource(settings as unknown as DataSourceInstanceSettings<Settings>, templates(values));
}

export function lastHour(): TimeRange {
  const to = dateTime(1_767_571_200_000);
  return { from: dateTime(to).subtract(1, 'hour'), to, raw: { from: 'now-1h', to: 'now' } };
}
