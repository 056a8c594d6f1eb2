import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import { from, map, type Observable } from 'rxjs';

import { VariableQueryEditor } from './components/VariableQueryEditor';
import type { DataSource } from './datasource';
import type { VariableQuery } from './types';

/** Variables lets a dashboard's variable list services, models, log types, hosts or GPUs. */
export class Variables extends CustomVariableSupport<DataSource, VariableQuery> {
  constructor(private readonly datasource: DataSource) {
    super();
  }

  editor = VariableQueryEditor;

  override query(request: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> {
    const [query] = request.targets;
    if (!query) {
      return from([{ data: [] }]);
    }
    const { scopedVars, range } = request;
    return from(this.datasource.metricFindQuery(query, { scopedVars, range })).pipe(map((data) => ({ data })));
  }

  override getDefaultQuery(): Partial<VariableQuery> {
    return { queryType: 'variable', variable: 'services' };
  }
}
