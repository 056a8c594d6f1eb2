import { createTheme, dateTime, type TimeRange } from '@grafana/data';
import { type BackendSrv, config, setBackendSrv, setTemplateSrv, type TemplateSrv } from '@grafana/runtime';
import { from } from 'rxjs';

/** What the editors need of Grafana, where there is no Grafana server: its client, its template variables and its theme. */
export function startGrafana(mode: 'light' | 'dark', variables: Record<string, string>) {
  const theme = createTheme({ colors: { mode } });
  config.theme2 = theme;
  setBackendSrv({ fetch: (request: Request) => from(answer(request)) } as unknown as BackendSrv);
  setTemplateSrv({
    replace: (text = '') => text.replace(/\$(\w+)/g, (whole, name) => variables[name] ?? whole),
    getVariables: () => Object.keys(variables).map((name) => ({ name, type: 'query' })),
    containsTemplate: (text = '') => text.includes('$'),
    updateTimeRange: () => undefined,
  } as unknown as TemplateSrv);
  return theme;
}

interface Request {
  url: string;
  params?: Record<string, string | number | undefined>;
}

async function answer({ url, params }: Request) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params ?? {})) {
    if (value !== undefined) {
      search.set(name, String(value));
    }
  }
  const response = await fetch(`${url}?${search}`);
  const data = await response.json();
  if (!response.ok) {
    throw { status: response.status, statusText: response.statusText, data };
  }
  return { data, status: response.status, ok: true };
}

/** The range of a panel: the last six hours. */
export function lastHours(): TimeRange {
  const to = dateTime();
  const begin = dateTime(to).subtract(6, 'hours');
  return { from: begin, to, raw: { from: 'now-6h', to: 'now' } };
}
