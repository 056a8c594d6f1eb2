import type {
  CoreApp,
  DataFrame,
  DataQueryRequest,
  DataQueryResponse,
  DataSourceInstanceSettings,
  LegacyMetricFindQueryOptions,
  MetricFindValue,
  ScopedVars,
  TimeRange,
} from '@grafana/data';
import { LoadingState } from '@grafana/data';
import { config, DataSourceWithBackend, getGrafanaLiveSrv, getTemplateSrv, type TemplateSrv } from '@grafana/runtime';
import { combineLatest, map, type Observable, startWith } from 'rxjs';

import { annotations } from './annotations';
import { type Origin, rejoin, withRecent } from './frames';
import { expand, interpolate } from './interpolate';
import { followed, liveStep, stream } from './live';
import { defaultQuery, ready } from './query';
import type { Choice, Metric, Query, Settings, VariableName, VariableQuery } from './types';
import { Variables } from './variables';

/** DataSource asks the plugin's backend. What it does itself is what only a browser can: template variables and live streams. */
export class DataSource extends DataSourceWithBackend<Query, Settings> {
  private catalogue?: Promise<Metric[]>;

  constructor(
    settings: DataSourceInstanceSettings<Settings>,
    private readonly templates: TemplateSrv = getTemplateSrv()
  ) {
    super(settings);
    this.annotations = annotations;
    // Its editor wants this data source; Grafana's type says any data source, and gives this one.
    this.variables = new Variables(this) as unknown as typeof this.variables;
  }

  override getDefaultQuery(_app: CoreApp): Partial<Query> {
    return defaultQuery(this.variableNames());
  }

  override filterQuery(query: Query): boolean {
    return ready(query);
  }

  override applyTemplateVariables(query: Query, scopedVars: ScopedVars): Query {
    return interpolate(query, scopedVars, this.templates);
  }

  /**
   * query answers a panel: from the backend, where variables with several values make several queries of one; and, for those that
   * follow the last minutes, from Grafana Live on top.
   */
  override query(request: DataQueryRequest<Query>): Observable<DataQueryResponse> {
    const { targets, origins } = this.expanded(request);
    const historic = super.query({ ...request, targets }).pipe(map((response) => rejoin(response, origins)));

    // A panel of a public dashboard has no channels; a server may have Live switched off.
    const live = config.publicDashboardAccessToken ? undefined : getGrafanaLiveSrv();
    const follow = live ? targets.filter((target) => followed(target, request.range)) : [];
    if (!live || follow.length === 0) {
      return historic;
    }
    const streams = follow.map((target) =>
      stream(live, this.uid, this.applyTemplateVariables(target, request.scopedVars)).pipe(
        map((frames) => rejoin({ data: frames }, origins).data as DataFrame[]),
        startWith([] as DataFrame[])
      )
    );
    return combineLatest([historic, ...streams]).pipe(
      map(([response, ...recent]) => ({
        ...response,
        data: withRecent(response.data, recent.flat()),
        state: response.error || response.errors?.length ? LoadingState.Error : LoadingState.Streaming,
      }))
    );
  }

  /** metrics gives the catalogue, asked for once. */
  metrics(): Promise<Metric[]> {
    this.catalogue ??= this.getResource<{ metrics: Metric[] }>('metrics').then(
      (answer) => answer.metrics,
      (error) => {
        this.catalogue = undefined; // the next one to ask tries again
        throw error;
      }
    );
    return this.catalogue;
  }

  /** choices gives the values that a variable has in the range. */
  choices(name: VariableName, of: { service?: string; host?: string }, range?: TimeRange): Promise<Choice[]> {
    const text = (value: string | undefined) => (value ? this.templates.replace(value) : '');
    return this.getResource<Choice[]>('variables', {
      name,
      service: text(of.service),
      host: text(of.host),
      ...(range ? { from: range.from.valueOf(), to: range.to.valueOf() } : {}),
    });
  }

  override async metricFindQuery(
    query: VariableQuery,
    options?: LegacyMetricFindQueryOptions
  ): Promise<MetricFindValue[]> {
    const service = this.templates.replace(query.service ?? '', options?.scopedVars);
    const host = this.templates.replace(query.host ?? '', options?.scopedVars);
    return this.choices(query.variable ?? 'services', { service, host }, options?.range);
  }

  /** variableNames are the dashboard's template variables. */
  variableNames(): string[] {
    return this.templates.getVariables().map((variable) => variable.name);
  }

  private expanded(request: DataQueryRequest<Query>): { targets: Query[]; origins: Map<string, Origin> } {
    const origins = new Map<string, Origin>();
    const targets = request.targets.flatMap((target) => {
      const query = target.live && followed(target, request.range) ? { ...target, step: liveStep } : target;
      if (query.datasource?.type === '__expr__') {
        return [query];
      }
      const all = expand(query, request.scopedVars, this.templates);
      if (all.length === 1) {
        return all.map((e) => e.query);
      }
      return all.map((e, i) => {
        const refId = `${query.refId}#${i + 1}`;
        origins.set(refId, { refId: query.refId, labels: e.labels });
        return { ...e.query, refId };
      });
    });
    return { targets, origins };
  }
}
